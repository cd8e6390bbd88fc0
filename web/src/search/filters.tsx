import { ListFilter } from 'lucide-react';
import { useState } from 'react';
import type { FacetCountsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { numberFormat } from '../ui/formats.js';
import type { SearchState } from './search-state.js';
import type { ChangeState } from './use-state.js';

interface FiltersProps {
  readonly state: SearchState;
  readonly change: ChangeState;
  readonly facets: FacetCountsFragment | null;
}

/** From so many classes on, one can search in their list. */
const MANY = 12;

/** A key whose most frequent value is rarer than this, such as a file name, is no use for filtering. */
const SHARE = 0.02;

/** Filters by class, date and metadata, with the numbers of items that match. */
export function Filters({ state, change, facets }: FiltersProps) {
  const t = useMessages();
  const [open, setOpen] = useState(false);
  const [wanted, setWanted] = useState('');
  const classes = (facets?.classes ?? []).filter(({ class: { name } }) =>
    name.toLowerCase().includes(wanted.toLowerCase()),
  );
  const toggle = (name: string) =>
    change({
      classes: state.classes.includes(name)
        ? state.classes.filter((each) => each !== name)
        : [...state.classes, name],
    });
  return (
    <aside className="filters" aria-label={t.search.filters}>
      <button
        type="button"
        className="quiet filters-toggle"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <ListFilter aria-hidden size={16} />
        {t.search.filters}
      </button>
      <div className={open ? 'filters-body open' : 'filters-body'}>
        {facets !== null && facets.classes.length > 0 && (
          <section>
            <h2>{t.search.classes}</h2>
            {facets.classes.length >= MANY && (
              <input
                type="search"
                aria-label={t.search.moreClasses}
                placeholder={t.search.moreClasses}
                value={wanted}
                onChange={(event) => setWanted(event.target.value)}
              />
            )}
            <ul>
              {classes.map(({ class: { id, name }, count }) => (
                <Facet
                  key={id}
                  name={name}
                  count={count}
                  checked={state.classes.includes(name)}
                  onToggle={() => toggle(name)}
                />
              ))}
            </ul>
          </section>
        )}
        {facets?.metadata
          .filter(({ values }) => (values[0]?.count ?? 0) >= Math.max(2, facets.total * SHARE))
          .map(({ key, values }) => (
            <section key={key}>
              <h2>{key}</h2>
              <ul>
                {values.map(({ value, filter, count }) => {
                  const json = JSON.stringify(filter[key]);
                  const same = (entry: { key: string; json: string }) =>
                    entry.key === key && entry.json === json;
                  const checked = state.metadata.some(same);
                  return (
                    <Facet
                      key={json}
                      name={value}
                      count={count}
                      checked={checked}
                      onToggle={() =>
                        change({
                          metadata: checked
                            ? state.metadata.filter((entry) => !same(entry))
                            : [...state.metadata, { key, json }],
                        })
                      }
                    />
                  );
                })}
              </ul>
            </section>
          ))}
        <section>
          <h2>{t.search.dates}</h2>
          <label className="date">
            <span>{t.search.from}</span>
            <input
              type="date"
              value={state.after ?? ''}
              onChange={(event) => change({ after: event.target.value || null })}
            />
          </label>
          <label className="date">
            <span>{t.search.until}</span>
            <input
              type="date"
              value={state.before ?? ''}
              onChange={(event) => change({ before: event.target.value || null })}
            />
          </label>
        </section>
      </div>
    </aside>
  );
}

interface FacetProps {
  readonly name: string;
  readonly count: number;
  readonly checked: boolean;
  readonly onToggle: () => void;
}

function Facet({ name, count, checked, onToggle }: FacetProps) {
  const t = useMessages();
  return (
    <li>
      <label className="facet">
        <input type="checkbox" checked={checked} onChange={onToggle} />
        <span className="facet-name">{name}</span>
        <span className="faint">{numberFormat(t.locale).format(count)}</span>
      </label>
    </li>
  );
}
