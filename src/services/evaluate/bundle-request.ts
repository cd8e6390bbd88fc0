import type { TrainOptionsInput } from '../../encoder/types.js';
import type { Protocol } from './train-for.js';

export interface EvaluateBundleRequest {
  readonly folder: string;
  readonly protocol: Protocol;
  readonly preset: 'paper' | 'default';
  /** A training for each seed (and each split). */
  readonly seeds: readonly number[];
  /** Options of the encoder that is evaluated, over those of the preset; the baselines keep theirs. */
  readonly set: TrainOptionsInput;
  /** The folder for the run's report and files; null: nothing is written. */
  readonly runs: string | null;
  /** How far each query moves towards its best results, 0 to 1, for every method; see domain/feedback.ts. */
  readonly feedback?: number;
  /** Draws of the bootstrap; RESAMPLES by default. */
  readonly resamples?: number;
}
