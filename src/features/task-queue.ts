import { setMaxListeners } from 'node:events';
import { CommonspaceError, throwIfCancelled } from '../domain/errors.js';
import { observe } from '../domain/observations.js';

export interface QueueOptions {
  /** Removes the task from the queue. A task that has begun is completed: ending its thread would discard loaded models. */
  readonly signal?: AbortSignal | undefined;
  /** Waits however many others wait. For background work, which has one task at a time. */
  readonly background?: boolean | undefined;
}

/** Tasks that wait for a thread, first come, first served. Their number is limited. */
export class TaskQueue {
  private running = 0;
  /** Functions that begin the tasks, in the order in which they came. */
  private readonly waiting = new Set<() => void>();

  /**
   * @param atOnce tasks that run at a time
   * @param mostWaiting tasks that wait at most
   */
  constructor(
    private readonly atOnce: number,
    private readonly mostWaiting: number,
  ) {}

  /** The number of tasks that wait. */
  get length(): number {
    return this.waiting.size;
  }

  /** @throws CommonspaceError BUSY if too many tasks wait, CANCELLED if the signal is aborted before the task begins. */
  async run<T>(task: () => Promise<T>, { signal, background = false }: QueueOptions = {}): Promise<T> {
    throwIfCancelled(signal);
    if (this.running >= this.atOnce) {
      if (this.waiting.size >= this.mostWaiting && !background) {
        observe({ kind: 'refusal', reason: 'extraction' });
        throw new CommonspaceError('BUSY', 'Too many inputs wait for feature extraction. Try again later.');
      }
      // Without a turn there is no place to leave to the next task.
      if (!(await this.turn(signal))) throwIfCancelled(signal);
    } else {
      this.running += 1;
    }
    try {
      throwIfCancelled(signal);
      return await task();
    } finally {
      this.next();
    }
  }

  /** Resolves with true when a task that has ended leaves its place to this one, with false when the signal is aborted first. */
  private async turn(signal: AbortSignal | undefined): Promise<boolean> {
    let leave = () => {};
    try {
      return await new Promise<boolean>((resolve) => {
        const begin = () => resolve(true);
        this.waiting.add(begin);
        leave = () => {
          if (this.waiting.delete(begin)) resolve(false);
        };
        if (signal) {
          // Many wait at a time, each with a listener.
          setMaxListeners(0, signal);
          signal.addEventListener('abort', leave, { once: true });
        }
      });
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  private next(): void {
    const [first] = this.waiting;
    if (first === undefined) {
      this.running -= 1;
      return;
    }
    this.waiting.delete(first);
    first();
  }
}
