import { ApiError, cancelled } from './api-error.js';
import { apiError, delay, failureOfGraphql, type GraphqlError, type Transport } from './transport.js';

interface Result {
  readonly data?: unknown;
  readonly errors?: readonly GraphqlError[];
  readonly extensions?: { readonly position?: string };
}

/** Wait before the first attempt to connect again; it doubles with each. */
export const FIRST_WAIT_MS = 500;

/**
 * The results of an operation over server-sent events. A connection that is lost, and a refusal that passes, are followed by another
 * request; the server then sends its current state first.
 *
 * @param retries how often, in sequence
 * @throws ApiError
 */
export async function* subscribe(
  transport: Transport,
  query: string,
  variables: Record<string, unknown>,
  signal?: AbortSignal,
  retries: number = transport.retries,
): AsyncGenerator<unknown, void, undefined> {
  if (signal?.aborted) throw cancelled(signal.reason);
  // Loaded on demand: other calls do not need it.
  const { createClient } = await import('graphql-sse');
  let failure: ApiError | null = null;
  const sse = createClient({
    url: transport.address('/graphql'),
    retryAttempts: retries,
    retry: async (attempts) => {
      if (failure !== null && !failure.retryable) throw failure;
      await delay(FIRST_WAIT_MS * 2 ** attempts, signal);
    },
    fetchFn: async (_url: string, init: RequestInit) => {
      failure = null;
      try {
        return await transport.send({
          path: '/graphql',
          headers: Object.fromEntries(new Headers(init.headers)),
          body: () => init.body as string,
          ...(init.signal && { signal: init.signal }),
        });
      } catch (error) {
        failure = error as ApiError;
        throw error;
      }
    },
  });
  const stop = () => sse.dispose();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for await (const { data, errors, extensions } of sse.iterate({
      query,
      variables,
    }) as AsyncIterable<Result>) {
      transport.seen(extensions?.position ?? null);
      if (errors !== undefined && errors.length > 0) throw answerError(errors);
      yield data;
    }
    if (signal?.aborted) throw cancelled(signal.reason);
  } catch (error) {
    if (signal?.aborted) throw cancelled(signal.reason);
    if (error instanceof ApiError) throw error;
    throw failure ?? new ApiError('UNREACHABLE', 'The connection to the server was lost.', { cause: error });
  } finally {
    signal?.removeEventListener('abort', stop);
    sse.dispose();
  }
}

function answerError(errors: readonly GraphqlError[]): ApiError {
  return apiError(errors.map(failureOfGraphql), new Response(null, { status: 200 }));
}
