import { queries, SESSION } from './client.js';

/** Who uses the page. */
export interface Session {
  readonly name: string;
  readonly scopes: readonly string[];
  /** Null on a server without keys. */
  readonly seconds: number | null;
}

/** The session that the cookie names, renewed; null if the server wants a key. Throws if there is no answer. */
export function renewSession(): Promise<Session | null> {
  return begin({});
}

/** Begins a session with a key; null if the server refuses it. */
export async function logIn(key: string): Promise<Session | null> {
  const session = await begin({ authorization: `Bearer ${key}` });
  if (session !== null) {
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] });
    queries.setQueryData(SESSION, session);
  }
  return session;
}

export async function logOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE' });
  window.location.assign('/');
}

async function begin(headers: Record<string, string>): Promise<Session | null> {
  const response = await fetch('/session', { method: 'POST', headers });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return (await response.json()) as Session;
}
