import { parentPort, Worker } from 'node:worker_threads';
import { CommonspaceError, type Failure, throwIfCancelled } from '../domain/errors.js';
import { giveWay } from './thread-priority.js';

/** What a thread tells: events as it goes on, then its outcome. */
type Told<Result, Event> =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface ThreadOptions<Event> {
  /** What is done, as a sentence begins: `The training`. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** Buffers that are handed over and not copied. */
  readonly transfer?: readonly ArrayBuffer[];
  /** The thread goes on meanwhile, unless it waits for the answer; what this throws ends it. */
  readonly onEvent?: (event: Event, answer: () => void) => void | Promise<void>;
}

/**
 * One piece of work in a thread of its own, so that the caller's stays free for requests. The thread's file calls `asThread`.
 *
 * @param entry as `workerEntry` gives it
 * @throws CommonspaceError CANCELLED when the signal is aborted: the thread is then ended at once, whatever it is doing.
 *   Otherwise what the work throws.
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
      worker.on('message', (told: Told<Result, Event>) => {
        if (told.kind === 'done') resolve(told.result);
        else if (told.kind === 'event') (async () => onEvent?.(told.event, answer))().catch(reject);
        else reject(new CommonspaceError(told.failure.code, told.failure.message, told.failure.field));
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

/** Events to whoever started the thread. */
export interface Telling<Event> {
  tell(event: Event, transfer?: readonly ArrayBuffer[]): void;
  /** The same, and waits for the answer. */
  ask(event: Event, transfer?: readonly ArrayBuffer[]): Promise<void>;
}

/** The work of the thread that this is called in. It gives way to threads that somebody waits for. */
export async function asThread<Result, Event = never>(
  work: (to: Telling<Event>) => Result | Promise<Result>,
): Promise<void> {
  giveWay();
  const send = (told: Told<Result, Event>, transfer: readonly ArrayBuffer[] = []) =>
    parentPort?.postMessage(told, [...transfer]);
  const tell = (event: Event, transfer?: readonly ArrayBuffer[]) => send({ kind: 'event', event }, transfer);
  try {
    const result = await work({
      tell,
      async ask(event, transfer) {
        const answered = new Promise((resolve) => parentPort?.once('message', resolve));
        tell(event, transfer);
        await answered;
      },
    });
    send({ kind: 'done', result });
  } catch (error) {
    // An error that crosses threads loses its class: what is expected goes as a value, the rest as it comes.
    if (!(error instanceof CommonspaceError)) throw error;
    send({ kind: 'failed', failure: error.toFailure() });
  }
}
