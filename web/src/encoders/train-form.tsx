import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { type EncoderRowFragment, TrainingSizeDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { ClassPicker } from './class-picker.js';
import { Estimate } from './estimate.js';
import { useFormats } from './formats.js';
import { isSearchable } from './states.js';
import { encodersChanged } from './use-encoder.js';

/** About as many as there can be: each item of the larger modality with one of the other. */
function pairsOf(images: number, texts: number): number {
  return Math.min(images, texts) === 0 ? 0 : Math.max(images, texts);
}

interface TrainFormProps {
  readonly versions: readonly EncoderRowFragment[];
  readonly onDone: () => void;
}

type Tuning = 'pairs' | 'classes' | 'none';

/** What a training can be asked for, what it is likely to take, and the start of it. */
export function TrainForm({ versions, onDone }: TrainFormProps) {
  const t = useMessages();
  const format = useFormats();
  const id = useId();
  const [, navigate] = useLocation();
  const [preset, setPreset] = useState<'default' | 'paper'>('default');
  const [from, setFrom] = useState('');
  const [holdout, setHoldout] = useState(10);
  const [unseen, setUnseen] = useState<readonly string[]>([]);
  const [imageExtractor, setImageExtractor] = useState('');
  const [epochs, setEpochs] = useState('');
  const [seed, setSeed] = useState('0');
  const [tune, setTune] = useState<Tuning>('pairs');
  const [activate, setActivate] = useState(true);
  const size = useQuery({
    queryKey: ['training-size'],
    queryFn: async ({ signal }) => await client.execute(TrainingSizeDocument, {}, { signal }),
  });
  const train = useMutation({
    mutationFn: () =>
      client.trainEncoder({
        ...(from === ''
          ? { preset: preset === 'paper' ? 'PAPER' : 'DEFAULT', seed: Number(seed), holdout: holdout / 100 }
          : { from }),
        ...(from === '' && { unseenClasses: [...unseen], options: { tune } }),
        imageExtractor: imageExtractor.trim() || null,
        epochs: epochs === '' ? null : Number(epochs),
        activate,
      }),
    onSuccess: async (encoder) => {
      await encodersChanged();
      onDone();
      navigate(`/encoders/${encoder.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    train.mutate();
  };
  const extractors = [...new Set(['default', 'hsv-hog', ...versions.map((each) => each.imageExtractor)])];
  const continued = from !== '';
  return (
    <form className="panel train-form" onSubmit={submit} aria-label={t.encoders.start}>
      <div className="train-fields">
        <label className="field">
          {t.encoders.from}
          <select value={from} onChange={(event) => setFrom(event.target.value)}>
            <option value="">{t.encoders.fromNothing}</option>
            {versions
              .filter(({ state }) => isSearchable(state))
              .map((each) => (
                <option key={each.id} value={each.id}>
                  {`${format.time(each.createdAt)} (${t.encoders.states[each.state]})`}
                </option>
              ))}
          </select>
          <span className="faint">{continued ? t.encoders.fromHint : t.encoders.fromNothingHint}</span>
        </label>
        {!continued && (
          <>
            <div className="field">
              <span>{t.encoders.preset}</span>
              <Segments
                label={t.encoders.preset}
                value={preset}
                options={[
                  ['default', t.encoders.presets.default ?? ''],
                  ['paper', t.encoders.presets.paper ?? ''],
                ]}
                onChange={setPreset}
              />
              <span className="faint">{t.encoders.presetHint}</span>
            </div>
            <label className="field">
              {t.encoders.holdout(format.percent(holdout / 100))}
              <input
                type="range"
                min={0}
                max={50}
                step={1}
                value={holdout}
                onChange={(event) => setHoldout(event.target.valueAsNumber)}
              />
              <span className="faint">{t.encoders.holdoutHint}</span>
            </label>
          </>
        )}
        <label className="field">
          {t.encoders.imageExtractor}
          <input
            list={`${id}-extractors`}
            value={imageExtractor}
            placeholder={t.encoders.configured}
            maxLength={300}
            onChange={(event) => setImageExtractor(event.target.value)}
          />
          <span className="faint">{t.encoders.imageExtractorHint}</span>
          <datalist id={`${id}-extractors`}>
            {extractors.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </label>
      </div>
      {!continued && <ClassPicker label={t.encoders.unseenClasses} chosen={unseen} onChange={setUnseen} />}
      <details>
        <summary>{t.encoders.moreOptions}</summary>
        <div className="train-fields">
          <label className="field">
            {t.encoders.epochs}
            <input
              type="number"
              min={1}
              max={10_000}
              value={epochs}
              placeholder={t.encoders.epochsOfPreset}
              onChange={(event) => setEpochs(event.target.value)}
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
                  value={seed}
                  onChange={(event) => setSeed(event.target.value)}
                />
              </label>
              <label className="field">
                {t.encoders.tune}
                <select value={tune} onChange={(event) => setTune(event.target.value as Tuning)}>
                  {(['pairs', 'classes', 'none'] as const).map((each) => (
                    <option key={each} value={each}>
                      {t.encoders.tunes[each]}
                    </option>
                  ))}
                </select>
              </label>
            </>
          )}
        </div>
      </details>
      <label className="check">
        <input type="checkbox" checked={activate} onChange={(event) => setActivate(event.target.checked)} />
        {t.encoders.activateWhenReady}
      </label>
      {size.data && (
        <Estimate
          versions={versions}
          pairs={pairsOf(size.data.images.totalCount, size.data.texts.totalCount)}
          holdout={continued ? 0.1 : holdout / 100}
          work={{ preset, continued, epochs: epochs === '' ? null : Number(epochs), tuned: tune !== 'none' }}
        />
      )}
      {train.error && (
        <p role="alert" className="error">
          {messageOf(train.error)}
        </p>
      )}
      <div className="item-actions">
        <button type="submit" className="primary" disabled={train.isPending}>
          {t.encoders.train}
        </button>
        <button type="button" onClick={onDone}>
          {t.common.cancel}
        </button>
      </div>
    </form>
  );
}
