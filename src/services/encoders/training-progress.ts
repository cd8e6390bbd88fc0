import type { EncoderProgress } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';
import type { TrainProgress } from '../../encoder/types.js';
import type { BackfillProgress } from '../serving/feature-backfill.js';

/** The stages of a training run, with the progress of each. */
export type TrainingProgress =
  /** Features of items that lack them; with `of`, those of the short texts that the pairs are trained on. */
  | ({ readonly stage: 'features'; readonly of?: 'further texts' } & BackfillProgress)
  | { readonly stage: 'train'; readonly progress: TrainProgress }
  | { readonly stage: 'embed'; readonly done: number; readonly all: number }
  | { readonly stage: 'evaluate' };

export interface TrainingHooks {
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Cancels the run. */
  readonly signal?: AbortSignal;
}

/** The progress as the catalogue stores it. */
export function storedProgress(event: TrainingProgress): EncoderProgress {
  const { stage } = event;
  switch (stage) {
    case 'features':
      return { stage, done: event.done, all: event.all, epoch: null };
    case 'evaluate':
      return { stage, done: 0, all: 0, epoch: null };
    case 'embed':
      return { stage, done: event.done, all: event.all, epoch: null };
    case 'train': {
      if (event.progress.kind === 'prepare') return { stage, done: 0, all: 0, epoch: null };
      const { epoch, epochs, losses, validation, discriminatorAccuracy, pairsPerSecond, secondsLeft } =
        event.progress;
      return {
        stage,
        done: epoch,
        all: epochs,
        epoch: { epoch, epochs, losses, validation, discriminatorAccuracy, pairsPerSecond, secondsLeft },
      };
    }
    default:
      throw new UnreachableCaseError(stage);
  }
}
