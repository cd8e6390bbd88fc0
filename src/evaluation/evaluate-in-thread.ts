import type { TrainingPair } from '../catalog/types.js';
import type { SourceSet } from '../encoder/types.js';
import { inThread } from '../platform/thread.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { ClassTable } from './classification-figures.js';
import type { HeldOutReport } from './evaluation.js';
import type { CutOff } from './similarity-thresholds.js';
import type { PairTable } from './source-set.js';

export interface EvaluationRequest {
  readonly encoderBytes: Uint8Array;
  /** What the encoder learnt from: the baseline learns from the same. */
  readonly source: SourceSet;
  /** Row i is pair i of the source set. */
  readonly sourcePairs: readonly TrainingPair[];
  /** Every class of the catalogue: those to choose among. */
  readonly classes: ClassTable;
  readonly held: { readonly seen: PairTable; readonly unseen: PairTable };
  readonly seed: number;
}

export interface Evaluated {
  readonly holdout: HeldOutReport;
  readonly cutOffs: readonly CutOff[];
}

/**
 * Measures an encoder beside CCA and chance on held-out pairs (`compareOn`, `classificationFigures`) and calibrates its
 * cut-offs on them (`calibrateCutOffs`), in a thread of its own.
 *
 * @throws CommonspaceError CANCELLED when the signal is aborted; the thread is then ended at once.
 */
export async function evaluateInThread(request: EvaluationRequest, signal?: AbortSignal): Promise<Evaluated> {
  return await inThread<Evaluated>(workerEntry(import.meta.url, 'evaluation.worker'), request, {
    what: 'The evaluation',
    signal,
  });
}
