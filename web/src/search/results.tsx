import { type Dispatch, type SetStateAction, useCallback, useDeferredValue, useMemo } from 'react';
import { Link, useLocation } from 'wouter';
import { useMessages } from '../messages/index.js';
import { Failure, Notice } from '../ui/notice.js';
import { TileGrid } from '../ui/tile-grid.js';
import { Empty } from './empty.js';
import { canSearch, isBrowsing, type SearchState, writeState } from './search-state.js';
import { Tile } from './tile.js';
import { type Found, PAGE_SIZE, type useSearch } from './use-search.js';
import type { ChangeState } from './use-state.js';

interface ResultsProps {
  readonly state: SearchState;
  readonly change: ChangeState;
  readonly results: ReturnType<typeof useSearch>;
  readonly found: readonly Found[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: Dispatch<SetStateAction<ReadonlySet<string>>>;
}

const ROW_HEIGHT = 190;
/** Width divided by height of the card of a text. */
const CARD = 1.25;

/** The results, or why there are none. More are fetched while one scrolls. */
export function Results({ state, change, results, found: latest, selected, onSelect }: ResultsProps) {
  const t = useMessages();
  const [, navigate] = useLocation();
  const { fetchNextPage, hasNextPage, isFetchingNextPage, isPlaceholderData, isError } = results;
  // New results are rendered in steps that an input can interrupt.
  const found = useDeferredValue(latest);
  const ids = useMemo(() => found.map(({ item }) => item.id), [found]);
  const ratios = useMemo(
    () => found.map(({ item }) => (item.__typename === 'ImageItem' ? item.width / item.height : CARD)),
    [found],
  );
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isPlaceholderData && !isError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isPlaceholderData, isError, fetchNextPage]);
  const onToggle = useCallback((id: string) => onSelect((before) => toggled(before, id)), [onSelect]);
  const onLike = useCallback(
    (id: string, weight: 1 | -1) =>
      change({ parts: [...state.parts, { kind: 'itemId', value: id, weight }], all: false }),
    [change, state.parts],
  );
  const from = useMemo(() => writeState(state), [state]);
  const hrefOf = (id: string) => `/items/${id}${from}`;

  if (!canSearch(state) && !isBrowsing(state)) return <Notice title={t.search.onlyMinus} />;
  if (isError && latest.length === 0)
    return <Failure error={results.error} onRetry={() => void results.refetch()} />;
  if (results.isPending || (found.length === 0 && latest.length > 0)) return <Skeleton />;
  if (latest.length === 0) return <Empty state={state} change={change} />;
  return (
    <section
      className="results"
      aria-label={t.search.results}
      aria-busy={isPlaceholderData || found !== latest}
    >
      {results.lacksEncoder && (
        <p className="faint hint">
          {t.search.noEncoder} <Link href="/encoders">{t.search.train}</Link>
        </p>
      )}
      {isBrowsing(state) && state.order === 'relevance' && <h2 className="faint">{t.search.browse}</h2>}
      <TileGrid
        label={t.search.results}
        ids={ids}
        ratios={ratios}
        complete={!hasNextPage}
        rowHeight={ROW_HEIGHT}
        selected={selected}
        onSelect={onSelect}
        onOpen={(index) => navigate(hrefOf(ids[index] ?? ''))}
        onEnd={onEnd}
      >
        {(index, active) => {
          const one = found[index];
          return (
            one && (
              <Tile
                found={one}
                active={active}
                probability={state.evidence === null}
                selected={selected.has(one.item.id)}
                href={hrefOf(one.item.id)}
                onToggle={onToggle}
                onLike={onLike}
              />
            )
          );
        }}
      </TileGrid>
      {isError ? (
        <Failure error={results.error} onRetry={() => void fetchNextPage()} />
      ) : (
        <End state={state} change={change} more={hasNextPage} found={found.length} />
      )}
      {results.approximate && !hasNextPage && <p className="end faint">{t.search.approximate}</p>}
    </section>
  );
}

/** What ends the list: further pages, the cut-off, or nothing. */
function End({
  state,
  change,
  more,
  found,
}: Pick<ResultsProps, 'state' | 'change'> & { readonly more: boolean; readonly found: number }) {
  const t = useMessages();
  // A new line for each page: one that moves down is a shift of the layout.
  if (more)
    return (
      <p key={found} className="end faint">
        {t.common.loading}
      </p>
    );
  const cut = canSearch(state) && !state.all && state.order === 'relevance';
  if (!cut) return found > PAGE_SIZE ? <p className="end faint">{t.search.end}</p> : null;
  return (
    <p className="end">
      {t.search.cutOff}{' '}
      <button type="button" className="quiet" onClick={() => change({ all: true }, { replace: true })}>
        {t.search.showRest}
      </button>
    </p>
  );
}

/** Places of tiles while the first page is fetched. */
function Skeleton() {
  const t = useMessages();
  return (
    <div className="skeleton" role="status" aria-label={t.common.loading}>
      {Array.from({ length: 12 }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={i} />
      ))}
    </div>
  );
}

function toggled(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}
