/** Lets work through while its weights fit into a capacity; the rest waits in order. */
export interface Gate {
  /** Runs `work` once `weight` (at most the capacity) is free. */
  run<T>(weight: number, work: () => Promise<T>): Promise<T>;
}

export function createGate(capacity: number): Gate {
  let free = capacity;
  const waiting: { readonly weight: number; readonly start: () => void }[] = [];

  // First come, first served: a heavy job at the front is not starved by light ones behind it.
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
