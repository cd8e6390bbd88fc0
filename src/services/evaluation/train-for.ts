import { trainEncoder } from '../../encoder/train-encoder.js';
import type { TrainHooks } from '../../encoder/train-hooks.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../../encoder/types.js';

/** What an encoder is trained for: for the classes that it learns from, or for others. */
export type Protocol = 'non-extendable' | 'extendable';
export const PROTOCOLS = ['non-extendable', 'extendable'] as const satisfies readonly Protocol[];

/**
 * Trains an encoder on a source set in a worker thread. Everything that is chosen is chosen on rows of that source set; no other
 * row is at hand here.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT, CANCELLED
 */
export async function trainFor(
  _protocol: Protocol,
  source: SourceSet,
  options: TrainOptionsInput,
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  return await trainEncoder(source, options, hooks);
}
