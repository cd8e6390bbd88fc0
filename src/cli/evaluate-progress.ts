import type { EvaluateProgress } from '../services/evaluate/evaluate-bundle.js';
import type { EvaluationProgress } from '../services/evaluate/evaluation-service.js';
import { createProgress, type Progress } from './progress.js';

/** Shows the progress of an evaluation on stderr. */
export function showEvaluation(): {
  update: (event: EvaluateProgress | EvaluationProgress) => void;
  stop: () => void;
} {
  let stage = '';
  let progress: Progress | null = null;
  const enter = (next: string): Progress => {
    if (stage !== next || progress === null) {
      progress?.stop();
      progress = createProgress(next);
      stage = next;
    }
    return progress;
  };
  return {
    update(event) {
      const of = 'runs' in event && event.runs > 1 ? ` ${event.run}/${event.runs}` : '';
      if (event.stage !== 'train') {
        enter(`${event.stage}${of}`).update(1, 1);
        return;
      }
      if (event.progress.kind === 'prepare') {
        enter(`prepare${of}`).update(1, 1, event.progress.message);
        return;
      }
      const { epoch, epochs, validation, pairsPerSecond, secondsLeft } = event.progress;
      const score = validation === null ? '' : `val ${validation.toFixed(3)} `;
      enter(`${event.preset}${of}`).update(
        epoch,
        epochs,
        `${score}${Math.round(pairsPerSecond)} pairs/s ${Math.ceil(secondsLeft)} s left`,
      );
    },
    stop() {
      progress?.stop();
      progress = null;
    },
  };
}
