import type { EncoderProgress } from '../domain/encoder-status.js';
import { createProgress, type Progress } from './progress.js';

/** The progress of a stage. Of `features`, a training in this process tells which, and how many items cannot be read. */
export type StageProgress = EncoderProgress & { readonly of?: string; readonly failed?: number };

export interface ShownTraining {
  readonly update: (progress: StageProgress) => void;
  readonly stop: () => void;
}

/** Shows the progress of a training: a bar for each stage; for epochs the losses, validation map@all, speed and remaining time. */
export function showTraining(): ShownTraining {
  let stage = '';
  let progress: Progress | null = null;
  const enter = (next: string, label: string): Progress => {
    if (stage !== next || progress === null) {
      progress?.stop();
      progress = createProgress(label);
      stage = next;
    }
    return progress;
  };
  return {
    update(event) {
      switch (event.stage) {
        case 'features':
          enter('features', 'extract').update(event.done, event.all, featuresLabel(event));
          break;
        case 'train':
          if (event.epoch !== null) {
            const { epoch, epochs } = event.epoch;
            enter('train', 'train').update(epoch, epochs, describeEpoch(event.epoch));
          }
          break;
        case 'evaluate':
          progress?.stop();
          progress = null;
          break;
        case 'embed':
          enter('embed', 'embed').update(event.done, event.all, 'items');
          break;
      }
    },
    stop: () => progress?.stop(),
  };
}

/** The results of an epoch in one line. */
export function describeEpoch(epoch: {
  readonly losses: Readonly<Record<string, number>>;
  readonly validation: number | null;
  readonly pairsPerSecond: number;
  readonly secondsLeft: number;
}): string {
  const terms = Object.entries(epoch.losses).map(([name, loss]) => `${name} ${loss.toFixed(3)}`);
  const score = epoch.validation === null ? [] : [`val ${epoch.validation.toFixed(3)}`];
  const pace = `${Math.round(epoch.pairsPerSecond)} pairs/s ${Math.ceil(epoch.secondsLeft)} s left`;
  return [...score, ...terms, pace].join(' ');
}

function featuresLabel({ of, failed = 0 }: StageProgress): string {
  if (of !== undefined) return of;
  return failed === 0 ? 'items lacking features' : `items lacking features, ${failed} cannot be read`;
}
