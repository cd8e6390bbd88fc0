import { setMaxListeners } from 'node:events';
import { throwIfCancelled } from '../domain/errors.js';

/** Limits concurrent work: the sum of weights does not exceed the capacity. Other work waits in order. */
export interface Gate {
  /** How many callers wait. */
  readonly waiting: number;
  /**
   * Waits until `weight` is free, and occupies it until the result is called. A weight above the capacity waits for all of it.
   * Who holds one must not wait for another of the same gate.
   *
   * @throws CommonspaceError CANCELLED if the signal aborts before
   */
  acquire(weight: number, signal?: AbortSignal): Promise<() => void>;
  /** Runs `work` when `weight` is free. @throws as `acquire` */
  run<T>(weight: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

interface Waiting {
  readonly weight: number;
  readonly start: () => void;
}

export function createGate(capacity: number): Gate {
  let free = capacity;
  const waiting: Waiting[] = [];

  // First in, first out, so that light jobs do not starve a heavy one.
  const admit = () => {
    for (let next = waiting[0]; next && next.weight <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.weight;
      next.start();
    }
  };

  async function acquire(wanted: number, signal?: AbortSignal): Promise<() => void> {
    throwIfCancelled(signal);
    const weight = Math.min(wanted, capacity);
    let held = false;
    await new Promise<void>((resolve) => {
      const leave = () => {
        const index = waiting.indexOf(entry);
        if (index < 0) return;
        waiting.splice(index, 1);
        resolve();
        admit();
      };
      const entry: Waiting = {
        weight,
        start: () => {
          signal?.removeEventListener('abort', leave);
          held = true;
          resolve();
        },
      };
      if (signal) {
        // Many wait at a time, each with a listener.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', leave, { once: true });
      }
      waiting.push(entry);
      admit();
    });
    if (!held) throwIfCancelled(signal);
    return () => {
      if (!held) return;
      held = false;
      free += weight;
      admit();
    };
  }

  return {
    get waiting() {
      return waiting.length;
    },
    acquire,
    async run(weight, work, signal) {
      const release = await acquire(weight, signal);
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}
