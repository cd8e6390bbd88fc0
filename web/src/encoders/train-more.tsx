import type { EncoderRowFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { ExtractorField } from './extractor-field.js';
import { SCRATCH, type TrainValues, type Tuning } from './train-values.js';

interface TrainMoreProps {
  readonly versions: readonly EncoderRowFragment[];
  readonly values: TrainValues;
  readonly set: (change: Partial<TrainValues>) => void;
}

/** Names of options are the same in each language. */
const EXAMPLE = '{"learningRate": 0.0005}';

/** The options of a training that are seldom changed. */
export function TrainMore({ versions, values, set }: TrainMoreProps) {
  const t = useMessages();
  const continued = values.from !== SCRATCH;
  return (
    <details>
      <summary>{t.encoders.moreOptions}</summary>
      <div className="train-fields">
        <label className="field">
          {t.encoders.epochs}
          <input
            type="number"
            min={1}
            max={10_000}
            value={values.epochs}
            placeholder={t.encoders.epochsOfPreset}
            onChange={(event) => set({ epochs: event.target.value })}
          />
        </label>
        {!continued && (
          <>
            <label className="field">
              {t.encoders.seed}
              <input
                type="number"
                min={0}
                max={2 ** 31 - 1}
                required
                value={values.seed}
                onChange={(event) => set({ seed: event.target.value })}
              />
            </label>
            <label className="field">
              {t.encoders.tune}
              <select value={values.tune} onChange={(event) => set({ tune: event.target.value as Tuning })}>
                {(['pairs', 'classes', 'none'] as const).map((each) => (
                  <option key={each} value={each}>
                    {t.encoders.tunes[each]}
                  </option>
                ))}
              </select>
            </label>
          </>
        )}
        <ExtractorField
          label={t.encoders.textExtractor}
          hint={t.encoders.textExtractorHint}
          value={values.textExtractor}
          known={['default', ...versions.map((each) => each.textExtractor)]}
          continued={continued}
          onChange={(textExtractor) => set({ textExtractor })}
        />
        <label className="field">
          {t.encoders.otherOptions}
          <input
            value={values.options}
            placeholder={EXAMPLE}
            spellCheck={false}
            maxLength={10_000}
            onChange={(event) => set({ options: event.target.value })}
          />
          <span className="faint">{t.encoders.otherOptionsHint}</span>
        </label>
      </div>
      {continued && (
        <label className="check">
          <input
            type="checkbox"
            checked={values.freeze}
            onChange={(event) => set({ freeze: event.target.checked })}
          />
          {t.encoders.freeze}
        </label>
      )}
    </details>
  );
}
