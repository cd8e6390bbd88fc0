/** What the parts of the program report about themselves, for metrics. Without a listener a report costs next to nothing. */

/** The stages that requests and ingests go through. */
export type Stage = 'fetch' | 'decode' | 'extract' | 'encode' | 'sql' | 'rank';

export type Observation =
  | { readonly kind: 'stage'; readonly stage: Stage; readonly seconds: number }
  /** A root field of an operation, e.g. `Query.crossModalSearch`. */
  | { readonly kind: 'field'; readonly field: string; readonly seconds: number }
  /** An error that a caller receives, by its code. */
  | { readonly kind: 'error'; readonly code: string }
  /** Work that was refused because of a limit. */
  | { readonly kind: 'refusal'; readonly reason: string }
  /** A lookup in a cache. */
  | { readonly kind: 'cache'; readonly cache: string; readonly hit: boolean };

type Listener = (observation: Observation) => void;

const listeners = new Set<Listener>();

/** @returns ends the listening */
export function onObservation(listener: Listener): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function observe(observation: Observation): void {
  for (const listener of listeners) listener(observation);
}

/** Reports how long the work takes, also if it fails. */
export async function timeStage<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    observe({ kind: 'stage', stage, seconds: (performance.now() - started) / 1000 });
  }
}

/** The same for work without waiting. */
export function timeStageSync<T>(stage: Stage, work: () => T): T {
  const started = performance.now();
  try {
    return work();
  } finally {
    observe({ kind: 'stage', stage, seconds: (performance.now() - started) / 1000 });
  }
}
