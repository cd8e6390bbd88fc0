import { ArrowLeft } from 'lucide-react';
import { Link, useSearchParams } from 'wouter';
import type { EncoderRowFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Failure, Notice } from '../ui/notice.js';
import { CompareFigures } from './compare-figures.js';
import { CompareSearch } from './compare-search.js';
import { useFormats } from './formats.js';
import { isSearchable } from './states.js';
import { useEncoders } from './use-encoder.js';

/** Two versions side by side: the figures of each, and what each finds for one query. */
export function ComparePage() {
  const t = useMessages();
  const [params, setParams] = useSearchParams();
  const { data, error, isPending, refetch } = useEncoders();
  const versions = (data?.nodes ?? []).filter(({ state }) => isSearchable(state));
  const find = (name: 'a' | 'b') => versions.find(({ id }) => id === params.get(name));
  const [a, b] = [find('a'), find('b')];
  const choose = (name: 'a' | 'b', id: string) =>
    setParams((now) => {
      const next = new URLSearchParams(now);
      next.set(name, id);
      return next;
    });
  return (
    <article className="item-page encoder">
      <title>{`${t.encoders.compare} · Commonspace`}</title>
      <Link href="/encoders" className="back">
        <ArrowLeft aria-hidden size={16} />
        {t.nav.encoders}
      </Link>
      <h1>{t.encoders.compare}</h1>
      {isPending && <output className="notice">{t.common.loading}</output>}
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      {data && versions.length < 2 && <Notice title={t.encoders.needTwo} />}
      {versions.length >= 2 && (
        <div className="sides">
          <Choice side="A" versions={versions} chosen={a} onChange={(id) => choose('a', id)} />
          <Choice side="B" versions={versions} chosen={b} onChange={(id) => choose('b', id)} />
        </div>
      )}
      {a && b && a.id !== b.id && (
        <>
          <CompareSearch a={a.id} b={b.id} />
          <CompareFigures a={a} b={b} />
        </>
      )}
      {a && b && a.id === b.id && <p className="faint">{t.encoders.chooseOther}</p>}
    </article>
  );
}

interface ChoiceProps {
  readonly side: 'A' | 'B';
  readonly versions: readonly EncoderRowFragment[];
  readonly chosen: EncoderRowFragment | undefined;
  readonly onChange: (id: string) => void;
}

function Choice({ side, versions, chosen, onChange }: ChoiceProps) {
  const t = useMessages();
  const format = useFormats();
  return (
    <label className="field">
      {t.encoders.side(side)}
      <select value={chosen?.id ?? ''} onChange={(event) => onChange(event.target.value)}>
        {chosen === undefined && <option value="">{t.encoders.choose}</option>}
        {versions.map(({ id, createdAt, state }) => (
          <option key={id} value={id}>
            {`${format.time(createdAt)} (${t.encoders.states[state]})`}
          </option>
        ))}
      </select>
      {chosen && (
        <span className="faint">
          {chosen.imageExtractor}
          {' · '}
          {t.encoders.presets[chosen.request?.preset ?? ''] ?? '–'} {' · '}
          <Link href={`/encoders/${chosen.id}`}>{t.encoders.thatVersion}</Link>
        </span>
      )}
    </label>
  );
}
