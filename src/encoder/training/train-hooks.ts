/** How a caller observes and controls a training run. */
import type { TrainProgress } from '../types.js';
import type { WarmStart } from './warm-start.js';

export interface TrainHooks {
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Cancels the training: it fails with CANCELLED. */
  readonly signal?: AbortSignal;
  /**
   * Receives a checkpoint for `resumeFrom`: every `checkpointEvery` epochs, and after each network. The training waits for it,
   * and fails if it fails. `writeCheckpoint` stores the bytes in a file.
   */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>;
  /** Epochs between two checkpoints; default `CHECKPOINT_EVERY`. */
  readonly checkpointEvery?: number;
  /**
   * A checkpoint of the same training, from which it resumes. The result has the same bytes as without the interruption. The
   * training fails with BAD_MODEL if the checkpoint is damaged, with BAD_INPUT if the source set, an option or the tensor
   * backend differs.
   */
  readonly resumeFrom?: Uint8Array;
  /** The encoder that the training continues from; the options must give networks of the same shape. */
  readonly warmStart?: WarmStart;
}

/** A checkpoint is a few megabytes and takes 0.1 s, an epoch 0.5 s: five epochs are a small loss. */
export const CHECKPOINT_EVERY = 5;
