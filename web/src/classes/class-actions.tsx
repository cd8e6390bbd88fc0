import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import { client, queries } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';

interface ClassActionsProps {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

type Action = 'rename' | 'merge' | 'delete';

/** Renames a class, merges it into another one, or deletes it. */
export function ClassActions({ id, name, description }: ClassActionsProps) {
  const t = useMessages();
  const [, navigate] = useLocation();
  const [action, setAction] = useState<Action | null>(null);
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const value = (field: string) => String(form.get(field) ?? '').trim();
    try {
      const to = await run(action, value);
      setAction(null);
      if (to !== null) {
        // The class of this page is gone: neither its page nor a list that has it is shown again.
        queries.removeQueries({ queryKey: ['classes'] });
        navigate(to);
      }
      await queries.invalidateQueries();
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  const run = async (what: Action | null, value: (field: string) => string): Promise<string | null> => {
    if (what === 'rename') {
      await client.renameClass({ id, newName: value('name'), description: value('description') || null });
      return null;
    }
    if (what === 'merge')
      return `/classes/${(await client.mergeClasses({ from: [name], into: value('into') })).id}`;
    await client.deleteClass({ id });
    return '/classes';
  };
  const open = (next: Action | null) => {
    setError(null);
    setAction(action === next ? null : next);
  };
  return (
    <div className="class-actions">
      <div className="item-actions">
        <button type="button" aria-expanded={action === 'rename'} onClick={() => open('rename')}>
          {t.classes.rename}
        </button>
        <button type="button" aria-expanded={action === 'merge'} onClick={() => open('merge')}>
          {t.classes.merge}
        </button>
        <button
          type="button"
          className="danger"
          aria-expanded={action === 'delete'}
          onClick={() => open('delete')}
        >
          {t.classes.remove}
        </button>
      </div>
      {action !== null && (
        <form className="toolbar" onSubmit={(event) => void submit(event)}>
          {action === 'rename' && (
            <>
              <input
                name="name"
                aria-label={t.classes.newName}
                defaultValue={name}
                required
                maxLength={200}
              />
              <input
                name="description"
                className="wide"
                aria-label={t.classes.description}
                placeholder={t.classes.description}
                defaultValue={description ?? ''}
                maxLength={2_000}
              />
            </>
          )}
          {action === 'merge' && (
            <input
              name="into"
              aria-label={t.classes.into}
              placeholder={t.classes.into}
              required
              maxLength={200}
            />
          )}
          {action === 'delete' && <p>{t.classes.confirm(name)}</p>}
          <button type="submit" className={action === 'delete' ? 'danger' : 'primary'}>
            {action === 'rename' ? t.item.save : action === 'merge' ? t.classes.mergeNow : t.item.remove}
          </button>
          <button type="button" onClick={() => open(null)}>
            {t.common.cancel}
          </button>
        </form>
      )}
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
    </div>
  );
}
