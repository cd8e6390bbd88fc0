import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from '../../../src/client/api-error.js';
import { createClient } from '../../../src/client/client.js';
import { connection } from './connection.js';

/** The client of the server that this page comes from. The cookie of the session goes with each request. */
export const client = createClient({ url: window.location.origin });

/** Codes of failures that end by themselves: of the network, and of the database behind the server. */
const PASSING: ReadonlySet<string> = new Set(['UNREACHABLE', 'DATABASE_UNREACHABLE']);

/** The key of the query that holds the session; its data is null where the server wants a key. */
export const SESSION = ['session'] as const;

/** What the server answered, so that a part that is opened again shows it at once. */
export const queries = new QueryClient({
  queryCache: new QueryCache({
    onError: (error) => {
      if (!(error instanceof ApiError)) return;
      if (PASSING.has(error.code)) connection.lost();
      // The session has ended, or the key was revoked: the login takes the place of the page.
      if (error.code === 'UNAUTHENTICATED') queries.setQueryData(SESSION, null);
    },
  }),
  defaultOptions: {
    // The client repeats what was refused for a while; the connection watches for a server that is gone.
    queries: { retry: false, staleTime: 30_000, networkMode: 'always', refetchOnWindowFocus: false },
    mutations: { retry: false, networkMode: 'always' },
  },
});

connection.onReturn(() => void queries.invalidateQueries());
