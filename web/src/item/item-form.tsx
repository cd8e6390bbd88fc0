import { type FormEvent, useId, useState } from 'react';
import { client, queries } from '../api/client.js';
import { ChosenClasses } from '../classes/chosen-classes.js';
import { useClassNames } from '../classes/class-names.js';
import { useMessages } from '../messages/index.js';
import { readJsonObject } from '../ui/json-object.js';
import { messageOf } from '../ui/notice.js';
import type { PageItem } from './page-item.js';

interface ItemFormProps {
  readonly item: PageItem;
  readonly onDone: () => void;
}

/** Edits title, classes and metadata of an item. */
export function ItemForm({ item, onDone }: ItemFormProps) {
  const t = useMessages();
  const id = useId();
  const [classes, setClasses] = useState<readonly string[]>(item.classes.map(({ name }) => name));
  const [added, setAdded] = useState('');
  const [error, setError] = useState<string | null>(null);
  const known = useClassNames(added);
  const addClass = () => {
    const name = added.trim();
    if (name !== '' && !classes.includes(name)) setClasses([...classes, name]);
    setAdded('');
  };
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const metadata = readJsonObject(String(form.get('metadata')));
    if (metadata === null) return setError(t.item.badMetadata);
    const pending = added.trim();
    const all = pending === '' || classes.includes(pending) ? classes : [...classes, pending];
    try {
      const title = String(form.get('title')).trim() || null;
      const { results } = await client.updateItems([{ id: item.id, title, classes: all, metadata }]);
      const failure = results[0]?.error;
      if (failure) return setError(failure.message);
      await queries.invalidateQueries();
      return onDone();
    } catch (failure) {
      return setError(messageOf(failure));
    }
  };
  return (
    <form className="item-facts" onSubmit={(event) => void save(event)}>
      <label htmlFor={`${id}-title`}>{t.item.title}</label>
      <input id={`${id}-title`} name="title" defaultValue={item.title ?? ''} maxLength={1_000} />
      <label htmlFor={`${id}-class`}>{t.item.classes}</label>
      <ChosenClasses names={classes} onChange={setClasses} />
      <input
        id={`${id}-class`}
        list={`${id}-classes`}
        placeholder={t.item.addClass}
        value={added}
        maxLength={200}
        onChange={(event) => setAdded(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          addClass();
        }}
      />
      <datalist id={`${id}-classes`}>
        {known.map(({ id: key, name }) => (
          <option key={key} value={name} />
        ))}
      </datalist>
      <label htmlFor={`${id}-metadata`}>{t.item.metadata}</label>
      <textarea
        id={`${id}-metadata`}
        name="metadata"
        rows={8}
        spellCheck={false}
        defaultValue={JSON.stringify(item.metadata, null, 2)}
      />
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      <div className="item-actions">
        <button type="submit" className="primary">
          {t.item.save}
        </button>
        <button type="button" onClick={onDone}>
          {t.common.cancel}
        </button>
      </div>
    </form>
  );
}
