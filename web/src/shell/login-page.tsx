import { type FormEvent, useId, useState } from 'react';
import { logIn } from '../api/session.js';
import { useMessages } from '../messages/index.js';
import { Logo } from './logo.js';
import { Preferences } from './preferences.js';

/** Asks for a key. The page keeps no key: the server answers it with the cookie of a session. */
export function LoginPage() {
  const t = useMessages();
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const key = String(new FormData(event.currentTarget).get('key') ?? '').trim();
    setBusy(true);
    try {
      if ((await logIn(key)) === null) setError(t.session.refused);
    } catch {
      setError(t.connection.gone);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="login">
      <form onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>{t.session.title}</h1>
        <label htmlFor={id}>{t.session.key}</label>
        <input
          id={id}
          name="key"
          type="password"
          required
          autoComplete="current-password"
          aria-describedby={`${id}-hint`}
        />
        {error !== null && (
          <p role="alert" className="error">
            {error}
          </p>
        )}
        <button type="submit" className="primary" disabled={busy}>
          {t.session.logIn}
        </button>
        <p id={`${id}-hint`} className="faint">
          {t.session.hint}
        </p>
      </form>
      <Preferences />
    </main>
  );
}
