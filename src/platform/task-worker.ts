/** A thread, or a process of its own, that runs a task: the same messages go to and from either. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** As the caller of a task sees it. */
export interface TaskWorker<Message> {
  post(message: 'answer'): void;
  onMessage(receive: (message: Message) => void): void;
  onError(receive: (error: unknown) => void): void;
  /** @param receive gets the exit code, or the name of a signal */
  onExit(receive: (how: string) => void): void;
  /** Ends it at once. */
  terminate(): Promise<void>;
}

/** @param transfer buffers of `data` that are moved instead of copied */
export function startThread<Message>(
  entry: string,
  data: object,
  transfer: readonly ArrayBuffer[],
): TaskWorker<Message> {
  const worker = new Worker(entry, { workerData: data, transferList: [...transfer] });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (receive) => void worker.on('message', receive),
    onError: (receive) => void worker.on('error', receive),
    onExit: (receive) => void worker.on('exit', (code) => receive(`code ${code}`)),
    terminate: async () => void (await worker.terminate()),
  };
}

/** A process whose memory is its own. It ends when the caller's process ends. */
export function startProcess<Message>(entry: string, data: object): TaskWorker<Message> {
  const child = fork(entry, {
    serialization: 'advanced',
    execArgv: [],
    // Its output would mix with that of a command.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  // If it cannot be sent, the process has ended, which is reported as such.
  const ignore = () => {};
  child.send(data, ignore);
  return {
    post: (message) => void child.send(message, ignore),
    onMessage: (receive) => void child.on('message', (message) => receive(message as Message)),
    onError: (receive) => void child.on('error', receive),
    onExit: (receive) => void child.on('exit', (code, signal) => receive(signal ?? `code ${code}`)),
    terminate: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** As the task sees its caller. */
export interface TaskCaller {
  send(message: unknown, transfer: readonly ArrayBuffer[]): void;
  /** Resolves with the next message. */
  next(): Promise<unknown>;
  /** Whether the task runs in a process of its own, where an error that is thrown would only end it. */
  readonly isProcess: boolean;
}

/** The caller of the task that runs in this thread or process. */
export const taskCaller: TaskCaller =
  parentPort === null
    ? {
        send: (message) => void process.send?.(message, undefined, undefined, exitOnError),
        next: async () => (await once(process, 'message'))[0],
        isProcess: true,
      }
    : {
        send: (message, transfer) => parentPort?.postMessage(message, [...transfer]),
        next: () => new Promise((resolve) => parentPort?.once('message', resolve)),
        isProcess: false,
      };

/** The caller's process has ended. */
function exitOnError(error: Error | null): void {
  if (error !== null) process.exit(1);
}

/** The data that the task was started with. Call it once, first. */
export async function taskData<Data>(): Promise<Data> {
  if (!taskCaller.isProcess) return workerData as Data;
  process.on('disconnect', () => process.exit(1));
  // A terminal and a service manager send these to the caller as well, which ends this process in its own time.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  return (await taskCaller.next()) as Data;
}
