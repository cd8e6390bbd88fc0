/** What a caller of a training can hear of it and say to it. */
import type { TrainProgress } from '../types.js';

export interface TrainHooks {
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Stops between two epochs, with CANCELLED. */
  readonly signal?: AbortSignal;
  /**
   * Is given what `resumeFrom` takes: every `checkpointEvery` epochs, and whenever a network is finished. The training waits
   * for it; its error ends the training. `writeCheckpoint` keeps the bytes in a file.
   */
  readonly onCheckpoint?: (bytes: Uint8Array) => void | Promise<void>;
  /** Epochs between two checkpoints: `CHECKPOINT_EVERY` where it is not given. */
  readonly checkpointEvery?: number;
  /**
   * A checkpoint of the same training, which goes on from there: to the very bytes that it would have given without a
   * stop. Throws BAD_MODEL if it is damaged, BAD_INPUT if the source set, an option or the backend is another.
   */
  readonly resumeFrom?: Uint8Array;
}

/** A checkpoint is some megabytes and takes a tenth of a second, an epoch half a second: five epochs lose little. */
export const CHECKPOINT_EVERY = 5;
