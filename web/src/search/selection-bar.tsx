import { Download, Search, Tag, Trash2, X } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type { TileFragment } from '../__generated__/operations.js';
import { client, queries } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';
import { deleteWithUndo } from './deletions.js';
import type { Part } from './search-state.js';

/** Queries that one search combines. */
const MOST_PARTS = 16;
const PER_CALL = 1_000;

interface SelectionBarProps {
  readonly items: readonly TileFragment[];
  readonly onClear: () => void;
  readonly onSearch: (parts: readonly Part[]) => void;
}

/** What can be done with the selected items. */
export function SelectionBar({ items, onClear, onSearch }: SelectionBarProps) {
  const t = useMessages();
  const [naming, setNaming] = useState(false);
  const search = () => {
    if (items.length > MOST_PARTS) return showToast({ text: t.selection.tooMany(MOST_PARTS), tone: 'error' });
    onSearch(items.map(({ id }) => ({ kind: 'itemId', value: id, weight: 1 })));
    return onClear();
  };
  const label = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get('name') ?? '').trim();
    if (name === '') return;
    try {
      for (let at = 0; at < items.length; at += PER_CALL) {
        const part = items.slice(at, at + PER_CALL);
        const { results } = await client.updateItems(part.map(({ id }) => ({ id, addClasses: [name] })));
        const failed = results.find(({ error }) => error !== null);
        if (failed?.error) throw new Error(failed.error.message);
      }
      showToast({ text: t.selection.labelled(items.length, name) });
      setNaming(false);
      onClear();
      await queries.invalidateQueries();
    } catch (error) {
      showToast({ text: messageOf(error), tone: 'error' });
    }
  };
  const remove = () => {
    deleteWithUndo(
      items.map(({ id }) => id),
      { deleted: t.selection.deleted(items.length), undo: t.selection.undo },
    );
    onClear();
  };
  const save = () => {
    const lines = items.map((item) => JSON.stringify(lineOf(item))).join('\n');
    const address = URL.createObjectURL(new Blob([`${lines}\n`], { type: 'application/x-ndjson' }));
    const link = document.createElement('a');
    link.href = address;
    link.download = 'items.jsonl';
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <section className="selection-bar" aria-label={t.selection.bar}>
      <strong>{t.selection.selected(items.length)}</strong>
      <button type="button" onClick={search}>
        <Search aria-hidden size={16} />
        {t.selection.search}
      </button>
      {naming ? (
        <form onSubmit={(event) => void label(event)}>
          <input
            name="name"
            aria-label={t.selection.className}
            placeholder={t.selection.className}
            maxLength={200}
            required
          />
          <button type="submit">{t.selection.apply}</button>
        </form>
      ) : (
        <button type="button" onClick={() => setNaming(true)}>
          <Tag aria-hidden size={16} />
          {t.selection.label}
        </button>
      )}
      <button type="button" onClick={save}>
        <Download aria-hidden size={16} />
        {t.selection.download}
      </button>
      <button type="button" className="danger" onClick={remove}>
        <Trash2 aria-hidden size={16} />
        {t.selection.remove}
      </button>
      <button
        type="button"
        className="icon"
        aria-label={t.selection.clear}
        title={t.selection.clear}
        onClick={onClear}
      >
        <X aria-hidden size={18} />
      </button>
    </section>
  );
}

function lineOf(item: TileFragment): object {
  const { id, title, metadata } = item;
  const content =
    item.__typename === 'ImageItem'
      ? { image: new URL(item.large.split('?')[0] ?? '', window.location.href).href }
      : { text: item.text };
  return { id, ...content, title, classes: item.classes.map(({ name }) => name), metadata };
}
