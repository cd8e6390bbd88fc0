import { UnreachableCaseError } from './errors.js';

/** States of an encoder version, in the usual order. Failed and cancelled versions can be resumed. */
export const ENCODER_STATES = [
  'queued',
  'training',
  'embedding',
  'ready',
  'active',
  'retired',
  'failed',
  'cancelled',
] as const;
export type EncoderState = (typeof ENCODER_STATES)[number];

/** Progress of the work on a version: `done` of `all`, in the unit of the stage. `all` is 0 if it is not known yet. */
export interface EncoderProgress {
  readonly stage: 'features' | 'train' | 'evaluate' | 'embed';
  readonly done: number;
  readonly all: number;
  /** Figures of the latest epoch; only in the stage `train`. */
  readonly epoch: EpochProgress | null;
}

/** The figures of an epoch. */
export interface EpochProgress {
  /** From 1, counted over all networks of the ensemble. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean of each term over the epoch, unweighted. */
  readonly losses: Readonly<Record<string, number>>;
  /** map@all on the validation pairs; null if there are none. */
  readonly validation: number | null;
  /** Share of codes whose modality the discriminator predicts correctly; null if the adversary is off. */
  readonly discriminatorAccuracy: number | null;
  readonly pairsPerSecond: number;
  readonly secondsLeft: number;
}

/** Why a run failed: a code of docs/errors.md and a message. */
export interface EncoderFailure {
  readonly code: string;
  readonly message: string;
}

/** A version's state with the values that only this state has. */
export type EncoderStatus =
  | { readonly state: 'queued' }
  | { readonly state: 'training'; readonly progress: EncoderProgress | null }
  | { readonly state: 'embedding'; readonly progress: EncoderProgress | null; readonly dimension: number }
  | { readonly state: 'ready'; readonly dimension: number }
  | { readonly state: 'active'; readonly dimension: number }
  | { readonly state: 'retired'; readonly dimension: number }
  | { readonly state: 'failed'; readonly failure: EncoderFailure }
  | { readonly state: 'cancelled' };

/** The operations that a version's state allows. */
export interface EncoderMoves {
  readonly cancel: boolean;
  readonly resume: boolean;
  readonly activate: boolean;
  readonly remove: boolean;
}

const NONE: EncoderMoves = { cancel: false, resume: false, activate: false, remove: false };

export function movesFrom(state: EncoderState): EncoderMoves {
  switch (state) {
    case 'queued':
    case 'training':
    case 'embedding':
      return { ...NONE, cancel: true };
    case 'failed':
    case 'cancelled':
      return { ...NONE, resume: true, remove: true };
    case 'ready':
    case 'retired':
      return { ...NONE, activate: true, remove: true };
    case 'active':
      return NONE;
    default:
      throw new UnreachableCaseError(state);
  }
}

/** Rules for activating and keeping versions. */
export interface VersionPolicy {
  /** How many retired versions are kept, with their embeddings. */
  readonly keepRetired: number;
  /** A new version is activated if its held-out map is below that of the active version by at most this. */
  readonly tolerance: number;
}

export const DEFAULT_VERSIONS: VersionPolicy = { keepRetired: 3, tolerance: 0.01 };
