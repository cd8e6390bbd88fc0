import { type FormEvent, useId, useState } from 'react';
import type { KeyScope } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { createKey, MEGABYTE } from './key-actions.js';

const SCOPES = ['READ', 'INGEST', 'TRAIN', 'ADMIN'] as const satisfies readonly KeyScope[];
/** Days until a key expires; 0 for never. */
const DAYS = [0, 7, 30, 90, 365] as const;
const DAY_MS = 24 * 3_600_000;

/** Makes a key. The first one of a server may do everything. */
export function KeyForm({ first }: { readonly first: boolean }) {
  const t = useMessages();
  const id = useId();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const values = new FormData(form);
    setBusy(true);
    setError(null);
    try {
      await createKey(variablesOf(values, first), first);
      form.reset();
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="key-form" onSubmit={(event) => void submit(event)}>
      <h2>{first ? t.keys.makeFirst : t.keys.make}</h2>
      <div className="key-fields">
        <label>
          {t.keys.name}
          <input name="name" required maxLength={100} placeholder={t.keys.nameHint} autoComplete="off" />
        </label>
        <label>
          {t.keys.expires}
          <select name="days" defaultValue="0">
            {DAYS.map((days) => (
              <option key={days} value={days}>
                {days === 0 ? t.keys.never : t.keys.afterDays(days)}
              </option>
            ))}
          </select>
        </label>
        {!first && (
          <>
            <label>
              {t.keys.costPerMinute}
              <input name="cost" type="number" min={0} step={1} placeholder={t.keys.usual} />
            </label>
            <label>
              {t.keys.megabytesPerMinute}
              <input name="megabytes" type="number" min={0} step={1} placeholder={t.keys.usual} />
            </label>
          </>
        )}
      </div>
      {!first && (
        <fieldset className="scopes">
          <legend>{t.keys.scopes}</legend>
          {SCOPES.map((scope) => (
            <label key={scope}>
              <input
                type="checkbox"
                name="scope"
                value={scope}
                defaultChecked={scope === 'READ'}
                aria-describedby={`${id}-${scope}`}
              />
              <span>{t.keys.scopeNames[scope]}</span>
              <span id={`${id}-${scope}`} className="faint">
                {t.keys.scopeHints[scope]}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
      <button type="submit" className="primary" disabled={busy}>
        {t.keys.create}
      </button>
    </form>
  );
}

function variablesOf(values: FormData, first: boolean) {
  const days = Number(values.get('days'));
  const megabytes = optional(values.get('megabytes'));
  return {
    name: String(values.get('name')),
    scopes: first ? (['ADMIN'] as const) : SCOPES.filter((scope) => values.getAll('scope').includes(scope)),
    expiresAt: days === 0 ? null : new Date(Date.now() + days * DAY_MS).toISOString(),
    costPerMinute: optional(values.get('cost')),
    bytesPerMinute: megabytes === null ? null : megabytes * MEGABYTE,
  };
}

function optional(value: FormDataEntryValue | null): number | null {
  return value === null || value === '' ? null : Number(value);
}
