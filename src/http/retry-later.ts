import type { ApolloServerPlugin } from '@apollo/server';
import { ERRORS, isErrorCode } from '../domain/errors.js';
import type { GraphqlContext } from '../graphql/context.js';

/**
 * Answers with the status of the error (503 or 429) and Retry-After if all root fields failed for a reason that passes. A part of an
 * answer is still an answer, with status 200.
 */
export const retryLater: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { body, http } }) => {
      if (body.kind !== 'single') return;
      const { data, errors = [] } = body.singleResult;
      const isEmpty = data == null || Object.values(data).every((field) => field === null);
      const waits = errors.map(({ extensions }) => waitOf(extensions));
      if (!isEmpty || waits.includes(null)) return;
      const longest = waits.reduce(
        (one, other) => ((one?.seconds ?? 0) >= (other?.seconds ?? 0) ? one : other),
        null,
      );
      if (longest === null) return;
      http.status = longest.status;
      http.headers.set('retry-after', String(longest.seconds));
    },
  }),
};

interface Wait {
  readonly status: number;
  readonly seconds: number;
}

/** Null where a repetition of the request would fail again. */
function waitOf(extensions: Readonly<Record<string, unknown>> | undefined): Wait | null {
  const { code, retryAfter } = extensions ?? {};
  if (!isErrorCode(code) || typeof retryAfter !== 'number') return null;
  return { status: ERRORS[code].status, seconds: retryAfter };
}
