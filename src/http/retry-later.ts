import type { ApolloServerPlugin } from '@apollo/server';
import { ERRORS, type ErrorCode, RETRY_AFTER_SECONDS } from '../domain/errors.js';
import type { GraphqlContext } from '../graphql/context.js';

/** Seconds of the Retry-After header; null where a repetition of the request would fail again. */
export function retryAfter(code: unknown): number | null {
  return isCode(code) ? (RETRY_AFTER_SECONDS[code] ?? null) : null;
}

/**
 * Answers with status 503 and Retry-After if all root fields failed for a reason that passes. A part of an answer is still an
 * answer, with status 200.
 */
export const retryLater: ApolloServerPlugin<GraphqlContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ response: { body, http } }) => {
      if (body.kind !== 'single') return;
      const { data, errors = [] } = body.singleResult;
      const waits = errors.map(({ extensions }) => retryAfter(extensions?.code));
      const isEmpty = data == null || Object.values(data).every((field) => field === null);
      if (waits.length === 0 || !isEmpty || waits.includes(null)) return;
      http.status = ERRORS.BUSY.status;
      http.headers.set('retry-after', String(Math.max(...waits.map(Number))));
    },
  }),
};

function isCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}
