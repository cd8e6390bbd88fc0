import type { EncoderRowFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { useFormats } from './formats.js';
import { secondsLike, statedSeconds, type TrainingWork } from './train-estimate.js';

interface EstimateProps {
  readonly versions: readonly EncoderRowFragment[];
  /** About how many there are. */
  readonly pairs: number;
  readonly holdout: number;
  readonly work: Omit<TrainingWork, 'pairs'>;
}

/** In words, how long a training is likely to take, and what that follows from. */
export function Estimate({ versions, pairs, holdout, work: rest }: EstimateProps) {
  const t = useMessages();
  const format = useFormats();
  if (pairs === 0) return <p className="estimate">{t.encoders.noPairs}</p>;
  const work = { ...rest, pairs: Math.round(pairs * (1 - holdout)) };
  const earlier = earlierRun(versions);
  const seconds = earlier === null ? statedSeconds(work) : secondsLike(work, earlier);
  return (
    <p className="estimate" role="status">
      <strong>{t.encoders.takesAbout(format.duration(seconds))}</strong>{' '}
      {earlier === null
        ? t.encoders.byStated(work.pairs)
        : t.encoders.byEarlier(work.pairs, earlier.work.pairs, format.duration(earlier.seconds))}{' '}
      {t.encoders.searchesGoOn}
    </p>
  );
}

/** The latest training that says how long it took; whether it was tuned is not known, so the usual is assumed. */
function earlierRun(versions: readonly EncoderRowFragment[]) {
  for (const { pairs, seconds, request } of versions) {
    if (pairs === null || seconds === null || request === null) continue;
    const { preset, epochs, from } = request;
    const work: TrainingWork = {
      pairs,
      preset: preset === 'paper' ? 'paper' : 'default',
      epochs,
      continued: from !== null,
      tuned: true,
    };
    return { seconds, work };
  }
  return null;
}
