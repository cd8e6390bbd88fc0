import { useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { Link, useSearchParams } from 'wouter';
import { type EncoderRowFragment, VersionDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure, Notice } from '../ui/notice.js';
import { CompareFigures } from './compare-figures.js';
import { CompareSearch } from './compare-search.js';
import { useFormats } from './formats.js';
import { isSearchable, SEARCHABLE } from './states.js';
import { useEncoders } from './use-encoder.js';

/** Two versions side by side: the figures of each, and what each finds for one query. */
export function ComparePage() {
  const t = useMessages();
  const [params, setParams] = useSearchParams();
  const list = useEncoders(SEARCHABLE);
  const { nodes: versions, data, error, isPending, refetch } = list;
  const a = useChosen(params.get('a'), list);
  const b = useChosen(params.get('b'), list);
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
        <>
          <div className="sides">
            <Choice side="A" versions={versions} chosen={a} onChange={(id) => choose('a', id)} />
            <Choice side="B" versions={versions} chosen={b} onChange={(id) => choose('b', id)} />
          </div>
          <More list={list} />
        </>
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

/** The version that the address names, from the list or, if that is not read so far, by itself. */
function useChosen(id: string | null, { nodes, isSuccess }: ReturnType<typeof useEncoders>) {
  const listed = nodes.find((each) => each.id === id);
  const { data } = useQuery({
    queryKey: ['encoder', id],
    queryFn: async ({ signal }) =>
      (await client.execute(VersionDocument, { id: id ?? '' }, { signal })).encoder,
    enabled: id !== null && isSuccess && listed === undefined,
  });
  if (listed !== undefined) return listed;
  return data && isSearchable(data.state) ? data : undefined;
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
  const isListed = chosen === undefined || versions.some(({ id }) => id === chosen.id);
  const offered = isListed ? versions : [...versions, chosen];
  return (
    <label className="field">
      {t.encoders.side(side)}
      <select value={chosen?.id ?? ''} onChange={(event) => onChange(event.target.value)}>
        {chosen === undefined && <option value="">{t.encoders.choose}</option>}
        {offered.map(({ id, createdAt, state }) => (
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
