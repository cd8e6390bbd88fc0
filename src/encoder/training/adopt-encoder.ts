import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import type { Matrix } from '../math/matrix.js';

/** Features of items, which need not be pairs. Either matrix may have no rows; both have equally many columns. */
export interface AdoptionInput {
  readonly image: Matrix;
  readonly text: Matrix;
}

export interface AdoptedEncoder {
  /** The encoder file: `loadEncoder` reads it. */
  readonly bytes: Uint8Array;
  readonly dimension: number;
}

/**
 * The encoder of a space that the features of both modalities share, without any training; in a worker thread.
 *
 * @throws CommonspaceError CANCELLED
 */
export function adoptEncoder(input: AdoptionInput, signal?: AbortSignal): Promise<AdoptedEncoder> {
  return inThread<AdoptedEncoder>(workerEntry(import.meta.url, 'adopt.worker'), input, {
    what: 'The adoption',
    signal,
  });
}
