import { useCallback, useMemo, useState } from 'react';
import { useMessages } from '../messages/index.js';
import { useHidden } from './deletions.js';
import { FilterChips } from './filter-chips.js';
import { Filters } from './filters.js';
import { PictureDrop } from './picture-drop.js';
import { Results } from './results.js';
import { SearchBox } from './search-box.js';
import { EMPTY, type Part } from './search-state.js';
import { SelectionBar } from './selection-bar.js';
import { Toolbar } from './toolbar.js';
import { metadataKeysOf, PAGE_SIZE, useFacets, useSearch } from './use-search.js';
import { useSearchState } from './use-state.js';

/** Search by typing, pasting, dropping and choosing; without a query, the newest items. */
export function SearchPage() {
  const t = useMessages();
  const [state, change] = useSearchState();
  const results = useSearch(state);
  const hidden = useHidden();
  const found = useMemo(
    () => results.found.filter(({ item }) => !hidden.has(item.id)),
    [results.found, hidden],
  );
  // Of the first page alone: further pages would have the facets counted again.
  const keys = useMemo(() => metadataKeysOf(results.found.slice(0, PAGE_SIZE)), [results.found]);
  const facets = useFacets(state, keys);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const addPart = useCallback(
    (part: Part) => change({ parts: [...state.parts, part] }),
    [change, state.parts],
  );
  return (
    <PictureDrop onPart={addPart}>
      <title>{state.text === '' ? 'Commonspace' : `${state.text} · Commonspace`}</title>
      <div className="search-page">
        <div className="search-head">
          <h1 className="hidden">{t.search.title}</h1>
          <SearchBox state={state} change={change} onPart={addPart} />
          <Toolbar state={state} change={change} total={facets.data?.total ?? null} />
          <FilterChips state={state} change={change} />
        </div>
        <Filters state={state} change={change} facets={facets.data ?? null} />
        <Results
          state={state}
          change={change}
          results={results}
          found={found}
          selected={selected}
          onSelect={setSelected}
        />
      </div>
      {selected.size > 0 && (
        <SelectionBar
          items={found.flatMap(({ item }) => (selected.has(item.id) ? [item] : []))}
          onClear={() => setSelected(new Set())}
          onSearch={(parts) => change({ ...EMPTY, target: state.target, parts })}
        />
      )}
    </PictureDrop>
  );
}
