import { Minus, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import { deleteWithUndo } from '../search/deletions.js';
import { canSearch, EMPTY, type SearchState, writeState } from '../search/search-state.js';
import { ItemForm } from './item-form.js';
import type { PageItem } from './page-item.js';

interface ItemFactsProps {
  readonly item: PageItem;
  /** The search that it was opened from. */
  readonly search: SearchState;
  readonly onDeleted: () => void;
}

/** What is known of an item, with what can be done with it. */
export function ItemFacts({ item, search, onDeleted }: ItemFactsProps) {
  const t = useMessages();
  const [editing, setEditing] = useState(false);
  if (editing) return <ItemForm item={item} onDone={() => setEditing(false)} />;
  const like = (weight: 1 | -1) =>
    `/${writeState({ ...search, parts: [...search.parts, { kind: 'itemId', value: item.id, weight }] })}`;
  const remove = () => {
    deleteWithUndo([item.id], { deleted: t.selection.deleted(1), undo: t.selection.undo });
    onDeleted();
  };
  const classes = item.classes.length === 0 ? t.item.none : <Classes item={item} />;
  const facts: (readonly [string, React.ReactNode])[] = [
    [t.item.classes, classes],
    [t.item.added, new Date(item.createdAt).toLocaleString(t.locale)],
    ...(item.externalId ? [[t.item.externalId, item.externalId] as const] : []),
    ...(item.__typename === 'ImageItem'
      ? [[t.item.picture, t.item.size(item.width, item.height, item.mediaType)] as const]
      : []),
    ...(item.__typename === 'TextItem' && item.language ? [[t.item.language, item.language] as const] : []),
  ];
  return (
    <aside className="item-facts">
      {item.title && <p className="item-title">{item.title}</p>}
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {Object.entries(item.metadata).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>
              <MetadataValue name={key} value={value} />
            </dd>
          </div>
        ))}
      </dl>
      <div className="item-actions">
        <Link href={like(1)} className="button">
          <Plus aria-hidden size={16} />
          {t.search.moreLike}
        </Link>
        {canSearch(search) && (
          <Link href={like(-1)} className="button">
            <Minus aria-hidden size={16} />
            {t.search.lessLike}
          </Link>
        )}
        <button type="button" onClick={() => setEditing(true)}>
          <Pencil aria-hidden size={16} />
          {t.item.edit}
        </button>
        <button type="button" className="danger" onClick={remove}>
          <Trash2 aria-hidden size={16} />
          {t.item.remove}
        </button>
      </div>
    </aside>
  );
}

function Classes({ item }: { readonly item: PageItem }) {
  return (
    <ul className="filter-chips">
      {item.classes.map(({ id, name }) => (
        <li key={id}>
          <Link className="chip" href={searchFor({ classes: [name] })}>
            {name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** A value that can be filtered by leads to the items that have it. */
function MetadataValue({ name, value }: { readonly name: string; readonly value: unknown }) {
  const json = JSON.stringify(value);
  if (value === null || typeof value === 'object') return <code>{json}</code>;
  return <Link href={searchFor({ metadata: [{ key: name, json }] })}>{String(value)}</Link>;
}

function searchFor(state: Partial<SearchState>): string {
  return `/${writeState({ ...EMPTY, ...state })}`;
}
