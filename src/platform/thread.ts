import { CommonspaceError, type Failure, throwIfCancelled } from '../domain/errors.js';
import { startProcess, startThread, taskCaller } from './task-worker.js';
import { lowerPriority } from './thread-priority.js';

/** Messages of a thread: events, then the result or a failure. */
type ThreadMessage<Result, Event> =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** An unexpected error of a process; a thread throws it. */
  | { readonly kind: 'crashed'; readonly message: string; readonly stack: string | undefined };

export interface ThreadOptions<Event> {
  /** Subject of error messages, e.g. `The training`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /**
   * Whether the work gets a process of its own. It starts 0.2 s later, its data is copied, and its memory does not count for the
   * caller's process.
   */
  readonly isolated?: boolean;
  /** Buffers to transfer to a thread instead of copying them. */
  readonly transfer?: readonly ArrayBuffer[];
  /** Receives events. The thread continues, unless it waits for the answer. An error thrown here ends the thread. */
  readonly onEvent?: (event: Event, answer: () => void) => void | Promise<void>;
}

/**
 * Runs work in a new thread, or in a process, so that the calling thread can serve requests. The file of the work calls `asThread`.
 *
 * @param entry path from `workerEntry`
 * @throws CommonspaceError CANCELLED when the signal is aborted; the work is ended. Otherwise the error of the work.
 */
export async function inThread<Result, Event = never>(
  entry: string,
  data: object,
  { what, signal, isolated = false, transfer = [], onEvent }: ThreadOptions<Event>,
): Promise<Result> {
  throwIfCancelled(signal);
  type Message = ThreadMessage<Result, Event>;
  const worker = isolated ? startProcess<Message>(entry, data) : startThread<Message>(entry, data, transfer);
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<Result>((resolve, reject) => {
      const answer = () => worker.post('answer');
      worker.onMessage((message) => {
        if (message.kind === 'done') resolve(message.result);
        else if (message.kind === 'event') (async () => onEvent?.(message.event, answer))().catch(reject);
        else if (message.kind === 'crashed')
          reject(Object.assign(new Error(message.message), { stack: message.stack }));
        else
          reject(new CommonspaceError(message.failure.code, message.failure.message, message.failure.field));
      });
      worker.onError(reject);
      worker.onExit((how) =>
        reject(
          signal?.aborted
            ? new CommonspaceError('CANCELLED', `${what} was cancelled.`, [], { cause: signal.reason })
            : new Error(`${what} ended with ${how}`),
        ),
      );
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

/** Sends events to the caller of the work. */
export interface ThreadEvents<Event> {
  emit(event: Event, transfer?: readonly ArrayBuffer[]): void;
  /** Sends an event and waits for the answer. */
  emitAndWait(event: Event, transfer?: readonly ArrayBuffer[]): Promise<void>;
}

/** Runs the work of this thread or process, at low priority, and sends its result to the caller. */
export async function asThread<Result, Event = never>(
  work: (to: ThreadEvents<Event>) => Result | Promise<Result>,
): Promise<void> {
  lowerPriority();
  const send = (message: ThreadMessage<Result, Event>, transfer: readonly ArrayBuffer[] = []) =>
    taskCaller.send(message, transfer);
  const emit = (event: Event, transfer?: readonly ArrayBuffer[]) => send({ kind: 'event', event }, transfer);
  try {
    const result = await work({
      emit,
      async emitAndWait(event, transfer) {
        const answered = taskCaller.next();
        emit(event, transfer);
        await answered;
      },
    });
    send({ kind: 'done', result });
  } catch (error) {
    // An error loses its class between threads, so an expected failure is sent as a value.
    if (error instanceof CommonspaceError) return send({ kind: 'failed', failure: error.toFailure() });
    if (!taskCaller.isProcess) throw error;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    send({ kind: 'crashed', message, stack });
  }
}
