/** Limits concurrent work: the sum of weights does not exceed the capacity. Other work waits in order. */
export interface Gate {
  /** Runs `work` when `weight` (at most the capacity) is free. */
  run<T>(weight: number, work: () => Promise<T>): Promise<T>;
}

export function createGate(capacity: number): Gate {
  let free = capacity;
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];

  // First in, first out, so that light jobs do not starve a heavy one.
  const admit = () => {
    for (let next = waiting[0]; next && next.weight <= free; next = waiting[0]) {
      waiting.shift();
      free -= next.weight;
      next.start();
    }
  };

  return {
    async run(weight, work) {
      const held = Math.min(weight, capacity);
      await new Promise<void>((start) => {
        waiting.push({ weight: held, start });
        admit();
      });
      try {
        return await work();
      } finally {
        free += held;
        admit();
      }
    },
  };
}
