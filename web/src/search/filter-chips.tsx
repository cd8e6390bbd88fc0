import { X } from 'lucide-react';
import { useMessages } from '../messages/index.js';
import type { SearchState } from './search-state.js';
import type { ChangeState } from './use-state.js';

interface FilterChipsProps {
  readonly state: SearchState;
  readonly change: ChangeState;
}

/** The active filters; each can be removed. */
export function FilterChips({ state, change }: FilterChipsProps) {
  const t = useMessages();
  const { classes, metadata, after, before } = state;
  const date = (day: string) => new Date(`${day}T00:00:00`).toLocaleDateString(t.locale);
  const chips: (readonly [string, Partial<SearchState>])[] = [
    ...classes.map((name) => [name, { classes: classes.filter((each) => each !== name) }] as const),
    ...metadata.map((entry) => {
      const value: unknown = JSON.parse(entry.json);
      return [`${entry.key}: ${value}`, { metadata: metadata.filter((each) => each !== entry) }] as const;
    }),
    ...(after ? [[`${t.search.from} ${date(after)}`, { after: null }] as const] : []),
    ...(before ? [[`${t.search.until} ${date(before)}`, { before: null }] as const] : []),
  ];
  if (chips.length === 0) return null;
  return (
    <ul className="filter-chips" aria-label={t.search.filters}>
      {chips.map(([name, removed]) => (
        <li key={name}>
          <button
            type="button"
            className="chip"
            aria-label={t.search.remove(name)}
            onClick={() => change(removed)}
          >
            {name}
            <X aria-hidden size={14} />
          </button>
        </li>
      ))}
      {chips.length > 1 && (
        <li>
          <button
            type="button"
            className="quiet"
            onClick={() => change({ classes: [], metadata: [], after: null, before: null })}
          >
            {t.search.noFilters}
          </button>
        </li>
      )}
    </ul>
  );
}
