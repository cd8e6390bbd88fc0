import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { useFormats } from './formats.js';

const STAGES = ['FEATURES', 'TRAIN', 'EVALUATE', 'EMBED'] as const;

/** How far the work on a version is. */
export function RunProgress({ version: { state, progress } }: { readonly version: VersionDetailsFragment }) {
  const t = useMessages();
  const format = useFormats();
  const stage = progress?.stage ?? null;
  const part = progress === null || progress.all === 0 ? null : progress.done / progress.all;
  const text = stage === null ? t.encoders.stateHints[state] : t.encoders.stages[stage];
  return (
    <section className="panel run-progress" aria-label={t.encoders.progress}>
      <ol className="stages">
        {STAGES.map((each) => (
          <li key={each} aria-current={each === stage ? 'step' : undefined}>
            {t.encoders.stages[each]}
          </li>
        ))}
      </ol>
      <progress max={1} aria-label={text} {...(part !== null && { value: part })} />
      <p className="run-figures">
        <span role="status">{text}</span>
        {progress !== null && progress.all > 0 && (
          <span>
            {progress.epoch === null
              ? t.encoders.doneOf(progress.done, progress.all)
              : t.encoders.epochOf(progress.epoch, progress.epochs ?? progress.all)}
          </span>
        )}
        {progress?.secondsLeft != null && (
          <span>{t.encoders.left(format.duration(progress.secondsLeft))}</span>
        )}
        {progress?.pairsPerSecond != null && (
          <span>{t.encoders.pairsPerSecond(Math.round(progress.pairsPerSecond))}</span>
        )}
      </p>
    </section>
  );
}
