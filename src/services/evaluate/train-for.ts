import type { Matrix, RowFileRef } from '../../domain/matrix.js';
import { trainEncoder } from '../../encoder/training/train-encoder.js';
import type { TrainHooks } from '../../encoder/training/train-hooks.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../../encoder/types.js';

/** Whether an encoder is trained for seen classes, or for unseen ones. */
export type Protocol = 'non-extendable' | 'extendable';
export const PROTOCOLS = ['non-extendable', 'extendable'] as const satisfies readonly Protocol[];

/** What is held out of the source set to choose options on: pairs, or classes, as in the protocol's measure. */
const TUNING = { 'non-extendable': 'pairs', extendable: 'classes' } as const;

/**
 * Trains an encoder on a source set in a worker thread, or in a process where its features are in files. Options are chosen on rows of the source set only (`tune`).
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT, CANCELLED
 */
export async function trainFor(
  protocol: Protocol,
  source: SourceSet<Matrix | RowFileRef>,
  options: TrainOptionsInput,
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const tune = options.tune ?? TUNING[protocol];
  return await trainEncoder(source, { ...options, tune }, hooks);
}
