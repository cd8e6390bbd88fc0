import { trainEncoder } from '../../encoder/training/train-encoder.js';
import type { TrainHooks } from '../../encoder/training/train-hooks.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../../encoder/types.js';

/** What an encoder is trained for: for the classes that it learns from, or for others. */
export type Protocol = 'non-extendable' | 'extendable';
export const PROTOCOLS = ['non-extendable', 'extendable'] as const satisfies readonly Protocol[];

/** What is held out of the source set to choose on is what the protocol asks about: other pairs, or other classes. */
const TUNING = { 'non-extendable': 'pairs', extendable: 'classes' } as const;

/**
 * Trains an encoder on a source set in a worker thread. Everything that is chosen is chosen on rows of that source set; no other
 * row is at hand here. The `default` preset chooses its shares and its regularisation by itself (`tune`), unless told otherwise.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT, CANCELLED
 */
export async function trainFor(
  protocol: Protocol,
  source: SourceSet,
  options: TrainOptionsInput,
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const tune = options.tune ?? (options.preset === 'paper' ? 'none' : TUNING[protocol]);
  return await trainEncoder(source, { ...options, tune }, hooks);
}
