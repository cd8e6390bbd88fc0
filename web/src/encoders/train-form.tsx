import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { type EncoderRowFragment, TrainingSizeDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { ClassPicker } from './class-picker.js';
import { Estimate } from './estimate.js';
import { ExtractorField } from './extractor-field.js';
import { useFormats } from './formats.js';
import { isSearchable } from './states.js';
import { TrainMore } from './train-more.js';
import { ADOPTED, INITIAL, SCRATCH, type TrainValues, trainingOf } from './train-values.js';
import { encodersChanged } from './use-encoder.js';

/** About as many as there can be: each item of the larger modality with one of the other. */
function pairsOf(images: number, texts: number): number {
  return Math.min(images, texts) === 0 ? 0 : Math.max(images, texts);
}

interface TrainFormProps {
  readonly versions: readonly EncoderRowFragment[];
  readonly onDone: () => void;
}

/** What a training or an adoption can be asked for, what it is likely to take, and the start of it. */
export function TrainForm({ versions, onDone }: TrainFormProps) {
  const t = useMessages();
  const [, navigate] = useLocation();
  const [values, setValues] = useState(INITIAL);
  const set = (change: Partial<TrainValues>) => setValues((now) => ({ ...now, ...change }));
  const { from, model, activate } = values;
  const adopted = from === ADOPTED;
  const train = useMutation({
    mutationFn: async () => {
      if (adopted) return await client.adoptEncoder({ model: model.trim(), activate });
      const training = trainingOf(values);
      if (training === null) throw new Error(t.encoders.badOptions);
      return await client.trainEncoder(training);
    },
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
  return (
    <form className="panel train-form" onSubmit={submit} aria-label={t.encoders.start}>
      <div className="train-fields">
        <Origin versions={versions} from={from} set={set} />
        {adopted && (
          <label className="field">
            {t.encoders.model}
            <input
              value={model}
              required
              maxLength={300}
              onChange={(event) => set({ model: event.target.value })}
            />
            <span className="faint">{t.encoders.modelHint}</span>
          </label>
        )}
        {from === SCRATCH && <Division values={values} set={set} />}
        {!adopted && (
          <ExtractorField
            label={t.encoders.imageExtractor}
            hint={t.encoders.imageExtractorHint}
            value={values.imageExtractor}
            known={['default', 'hsv-hog', ...versions.map((each) => each.imageExtractor)]}
            continued={from !== SCRATCH}
            onChange={(imageExtractor) => set({ imageExtractor })}
          />
        )}
      </div>
      {from === SCRATCH && (
        <ClassPicker
          label={t.encoders.unseenClasses}
          chosen={values.unseen}
          onChange={(unseen) => set({ unseen })}
        />
      )}
      {!adopted && <TrainMore versions={versions} values={values} set={set} />}
      <label className="check">
        <input
          type="checkbox"
          checked={activate}
          onChange={(event) => set({ activate: event.target.checked })}
        />
        {t.encoders.activateWhenReady}
      </label>
      {!adopted && <Expected versions={versions} values={values} />}
      {train.error && (
        <p role="alert" className="error">
          {messageOf(train.error)}
        </p>
      )}
      <div className="item-actions">
        <button type="submit" className="primary" disabled={train.isPending}>
          {adopted ? t.encoders.adopt : t.encoders.train}
        </button>
        <button type="button" onClick={onDone}>
          {t.common.cancel}
        </button>
      </div>
    </form>
  );
}

interface OriginProps {
  readonly versions: readonly EncoderRowFragment[];
  readonly from: string;
  readonly set: (change: Partial<TrainValues>) => void;
}

/** What the version begins from. */
function Origin({ versions, from, set }: OriginProps) {
  const t = useMessages();
  const format = useFormats();
  const hints: Readonly<Record<string, string>> = {
    [SCRATCH]: t.encoders.fromNothingHint,
    [ADOPTED]: t.encoders.adoptHint,
  };
  return (
    <label className="field">
      {t.encoders.from}
      <select value={from} onChange={(event) => set({ from: event.target.value })}>
        <option value={SCRATCH}>{t.encoders.fromNothing}</option>
        <option value={ADOPTED}>{t.encoders.adoptModel}</option>
        {versions
          .filter(({ state }) => isSearchable(state))
          .map((each) => (
            <option key={each.id} value={each.id}>
              {`${format.time(each.createdAt)} (${t.encoders.states[each.state]})`}
            </option>
          ))}
      </select>
      <span className="faint">{hints[from] ?? t.encoders.fromHint}</span>
    </label>
  );
}

interface ValuesProps {
  readonly values: TrainValues;
  readonly set: (change: Partial<TrainValues>) => void;
}

/** The losses, and the share of pairs that is held out. */
function Division({ values: { preset, holdout }, set }: ValuesProps) {
  const t = useMessages();
  const format = useFormats();
  return (
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
          onChange={(next) => set({ preset: next })}
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
          onChange={(event) => set({ holdout: event.target.valueAsNumber })}
        />
        <span className="faint">{t.encoders.holdoutHint}</span>
      </label>
    </>
  );
}

/** How long the training is likely to take. */
function Expected({ versions, values }: Pick<TrainFormProps, 'versions'> & Pick<ValuesProps, 'values'>) {
  const { data } = useQuery({
    queryKey: ['training-size'],
    queryFn: async ({ signal }) => await client.execute(TrainingSizeDocument, {}, { signal }),
  });
  if (data === undefined) return null;
  const { preset, holdout, tune } = values;
  const continued = values.from !== SCRATCH;
  const epochs = values.epochs === '' ? null : Number(values.epochs);
  return (
    <Estimate
      versions={versions}
      pairs={pairsOf(data.images.totalCount, data.texts.totalCount)}
      holdout={continued ? 0.1 : holdout / 100}
      work={{ preset, continued, epochs, tuned: tune !== 'none' }}
    />
  );
}
