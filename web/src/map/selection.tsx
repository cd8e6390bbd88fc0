import { Search } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import { EMPTY, writeState } from '../search/search-state.js';
import { Failure } from '../ui/notice.js';
import { ItemList } from './item-list.js';
import { useItems } from './use-map.js';

/** Items that are listed at first, and further ones with each press. */
const STEP = 25;
/** The API reads at most as many by their ids. */
const MOST_LISTED = 100;
/** Parts of one search. */
const MOST_PARTS = 16;

interface SelectionProps {
  readonly ids: readonly string[];
  readonly onShow: (id: string | null) => void;
  readonly onClear: () => void;
}

/** The items that were selected on the map. */
export function Selection({ ids, onShow, onClear }: SelectionProps) {
  const t = useMessages();
  const [most, setMost] = useState(STEP);
  const { data, error, refetch } = useItems(ids.slice(0, most));
  const searched = ids.slice(0, MOST_PARTS);
  const parts = searched.map((value) => ({ kind: 'itemId', value, weight: 1 }) as const);
  return (
    <section className="map-section">
      <h2 aria-live="polite">{t.selection.selected(ids.length)}</h2>
      <div className="map-actions">
        <Link className="button" href={`/${writeState({ ...EMPTY, parts })}`}>
          <Search aria-hidden size={16} />
          {ids.length > MOST_PARTS ? t.map.searchWithFirst(MOST_PARTS) : t.selection.search}
        </Link>
        <button type="button" className="quiet" onClick={onClear}>
          {t.selection.clear}
        </button>
      </div>
      {error && <Failure error={error} onRetry={() => void refetch()} />}
      <ItemList
        label={t.selection.bar}
        items={(data ?? []).map((item) => ({ item, similarity: null }))}
        onShow={onShow}
      />
      {ids.length > most && most < MOST_LISTED && (
        <button type="button" onClick={() => setMost(most + STEP)}>
          {t.common.more}
        </button>
      )}
    </section>
  );
}
