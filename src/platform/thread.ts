import { parentPort, Worker } from 'node:worker_threads';
import { CommonspaceError, type Failure, throwIfCancelled } from '../domain/errors.js';
import { lowerPriority } from './thread-priority.js';

/** Messages of a thread: events, then the result or a failure. */
type ThreadMessage<Result, Event> =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface ThreadOptions<Event> {
  /** Subject of error messages, e.g. `The training`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Buffers to transfer instead of copying them. */
  readonly transfer?: readonly ArrayBuffer[];
  /** Receives events. The thread continues, unless it waits for the answer. An error thrown here ends the thread. */
  readonly onEvent?: (event: Event, answer: () => void) => void | Promise<void>;
}

/**
 * Runs work in a new thread, so that the calling thread can serve requests. The thread's file calls `asThread`.
 *
 * @param entry path from `workerEntry`
 * @throws CommonspaceError CANCELLED when the signal is aborted; the thread is terminated. Otherwise the error of the work.
 */
export async function inThread<Result, Event = never>(
  entry: string,
  data: object,
  { what, signal, transfer = [], onEvent }: ThreadOptions<Event>,
): Promise<Result> {
  throwIfCancelled(signal);
  const worker = new Worker(entry, { workerData: data, transferList: [...transfer] });
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<Result>((resolve, reject) => {
      const answer = () => worker.postMessage('answer');
      worker.on('message', (message: ThreadMessage<Result, Event>) => {
        if (message.kind === 'done') resolve(message.result);
        else if (message.kind === 'event') (async () => onEvent?.(message.event, answer))().catch(reject);
        else
          reject(new CommonspaceError(message.failure.code, message.failure.message, message.failure.field));
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(
          signal?.aborted
            ? new CommonspaceError('CANCELLED', `${what} was cancelled.`, [], { cause: signal.reason })
            : new Error(`${what}: its thread ended with code ${code}`),
        ),
      );
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

/** Sends events to the thread that started this one. */
export interface ThreadEvents<Event> {
  emit(event: Event, transfer?: readonly ArrayBuffer[]): void;
  /** Sends an event and waits for the answer. */
  emitAndWait(event: Event, transfer?: readonly ArrayBuffer[]): Promise<void>;
}

/** Runs the work of this thread, at low priority, and sends its result to the thread that started this one. */
export async function asThread<Result, Event = never>(
  work: (to: ThreadEvents<Event>) => Result | Promise<Result>,
): Promise<void> {
  lowerPriority();
  const send = (message: ThreadMessage<Result, Event>, transfer: readonly ArrayBuffer[] = []) =>
    parentPort?.postMessage(message, [...transfer]);
  const emit = (event: Event, transfer?: readonly ArrayBuffer[]) => send({ kind: 'event', event }, transfer);
  try {
    const result = await work({
      emit,
      async emitAndWait(event, transfer) {
        const answered = new Promise((resolve) => parentPort?.once('message', resolve));
        emit(event, transfer);
        await answered;
      },
    });
    send({ kind: 'done', result });
  } catch (error) {
    // An error loses its class between threads, so an expected failure is sent as a value.
    if (!(error instanceof CommonspaceError)) throw error;
    send({ kind: 'failed', failure: error.toFailure() });
  }
}
