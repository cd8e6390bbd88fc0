import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useSearchParams } from 'wouter';
import { SearchWithDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { Strip } from '../item/strip.js';
import { useMessages } from '../messages/index.js';
import { Failure } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { useFormats } from './formats.js';

type Target = 'IMAGE' | 'TEXT';

/** What two versions find for the same words, by content alone. */
export function CompareSearch({ a, b }: { readonly a: string; readonly b: string }) {
  const t = useMessages();
  const format = useFormats();
  const [params, setParams] = useSearchParams();
  const [target, setTarget] = useState<Target>('IMAGE');
  const text = params.get('q') ?? '';
  const [left, right] = [useFound(a, text, target), useFound(b, text, target)];
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const wanted = String(new FormData(event.currentTarget).get('q')).trim();
    setParams((now) => {
      const next = new URLSearchParams(now);
      if (wanted === '') next.delete('q');
      else next.set('q', wanted);
      return next;
    });
  };
  const shared = shareOf(left.data, right.data);
  return (
    <section>
      <h2>{t.encoders.sameQuery}</h2>
      <form className="toolbar" onSubmit={submit}>
        <input
          key={text}
          name="q"
          type="search"
          className="wide"
          defaultValue={text}
          maxLength={2_000}
          aria-label={t.encoders.queryForBoth}
          placeholder={t.encoders.queryForBoth}
        />
        <Segments
          label={t.search.target}
          value={target}
          options={[
            ['IMAGE', t.search.onlyImages],
            ['TEXT', t.search.onlyTexts],
          ]}
          onChange={setTarget}
        />
        <button type="submit">{t.search.submit}</button>
      </form>
      {text !== '' && (
        <>
          {shared !== null && <p className="faint">{t.encoders.shared(format.percent(shared))}</p>}
          {[['A', left] as const, ['B', right] as const].map(([side, found]) => (
            <section key={side} aria-label={t.encoders.side(side)} aria-busy={found.isFetching}>
              <h3>{t.encoders.side(side)}</h3>
              {found.error ? (
                <Failure error={found.error} onRetry={() => void found.refetch()} />
              ) : (
                <div className="strip-room">
                  <Strip items={found.data ?? []} />
                </div>
              )}
            </section>
          ))}
        </>
      )}
    </section>
  );
}

function useFound(encoder: string, text: string, target: Target) {
  return useQuery({
    queryKey: ['search-with', encoder, text, target],
    queryFn: async ({ signal }) => {
      const variables = { encoder, query: { text }, target };
      const { crossModalSearch } = await client.execute(SearchWithDocument, variables, { signal });
      return crossModalSearch.edges.map(({ node, score }) => ({ item: node, score }));
    },
    enabled: text !== '',
    placeholderData: keepPreviousData,
  });
}

type Found = readonly { readonly item: { readonly id: string } }[] | undefined;

/** The share of the results that both lists have. */
function shareOf(left: Found, right: Found): number | null {
  if (!left?.length || !right?.length) return null;
  const known = new Set(left.map(({ item }) => item.id));
  return right.filter(({ item }) => known.has(item.id)).length / Math.max(left.length, right.length);
}
