import { useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { useEffect } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { ItemPageDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { canSearch, readState } from '../search/search-state.js';
import { Failure, Notice } from '../ui/notice.js';
import { Section } from '../ui/section.js';
import { ItemFacts } from './item-facts.js';
import { ItemView } from './item-view.js';
import { Neighbours } from './neighbours.js';
import type { PageItem } from './page-item.js';
import { Strip } from './strip.js';
import { Why } from './why.js';

/** One item: what it is, what belongs to it, what is like it, and why the search found it. */
export function ItemPage({ id }: { readonly id: string }) {
  const t = useMessages();
  const query = useSearch();
  const [, navigate] = useLocation();
  const search = readState(query);
  const back = query === '' ? '/' : `/?${query}`;
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['item', id],
    queryFn: async ({ signal }) => (await client.execute(ItemPageDocument, { id }, { signal })).item,
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const elsewhere = (event.target as HTMLElement).closest('input, textarea, select, dialog');
      if (event.key === 'Escape' && !elsewhere && !event.defaultPrevented) navigate(back);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate, back]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another item begins at its top
  useEffect(() => {
    window.scrollTo(0, 0);
  }, [id]);

  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (isPending) return <output className="notice">{t.common.loading}</output>;
  if (data === null) return <Notice title={t.item.missing} />;
  const copies = copiesOf(data);
  const name = data.title ?? (data.__typename === 'TextItem' ? data.text : t.common.image);
  return (
    <article className="item-page">
      <title>{`${name.slice(0, 60)} · Commonspace`}</title>
      <Link href={back} className="back">
        <ArrowLeft aria-hidden size={16} />
        {query === '' ? t.item.toCatalogue : t.item.toResults}
      </Link>
      <div className="item-main">
        <ItemView item={data} />
        <ItemFacts item={data} search={search} onDeleted={() => navigate(back)} />
      </div>
      {data.counterparts.length > 0 && (
        <Section title={t.search.counterpart}>
          <Strip items={data.counterparts.map((item) => ({ item, score: null }))} />
        </Section>
      )}
      {canSearch(search) && <Why item={id} search={search} />}
      {copies.length > 0 && (
        <Section title={t.item.copies}>
          <Strip items={copies.map((item) => ({ item, score: null }))} />
        </Section>
      )}
      <Neighbours id={id} except={copies.map((copy) => copy.id)} />
    </article>
  );
}

/** The other pictures that are the same by their perceptual hash. */
function copiesOf(item: PageItem) {
  if (item.__typename !== 'ImageItem') return [];
  return (item.duplicates?.members ?? []).map((member) => member.item).filter(({ id }) => id !== item.id);
}
