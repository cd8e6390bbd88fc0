import { FollowItemChangesDocument, type ItemChangesQuery } from '../__generated__/client-operations.js';
import { ApiError } from './api-error.js';
import { FIRST_WAIT_MS, subscribe } from './subscribe.js';
import { type CallOptions, delay, type Transport } from './transport.js';

export type ChangePage = ItemChangesQuery['itemChanges'];

/**
 * Pages of changes as they are made. A stream that is cut is opened again at the last position that was received, so no change is
 * missed and none comes twice.
 *
 * @throws ApiError after as many attempts in sequence as the transport repeats calls
 */
export async function* followChanges(
  transport: Transport,
  {
    first,
    after,
  }: { readonly first?: number | null | undefined; readonly after?: string | null | undefined },
  { signal }: CallOptions,
): AsyncGenerator<ChangePage, void, undefined> {
  let position = after ?? null;
  for (let failures = 0; ; ) {
    const variables = { after: position, ...(first != null && { first }) };
    try {
      const results = subscribe(transport, String(FollowItemChangesDocument), variables, signal, 0);
      for await (const data of results) {
        const { itemChanges } = data as { readonly itemChanges: ChangePage };
        failures = 0;
        position = itemChanges.position;
        yield itemChanges;
      }
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || !error.retryable || failures >= transport.retries) throw error;
      await delay(Math.max((error.retryAfter ?? 0) * 1000, FIRST_WAIT_MS * 2 ** failures), signal);
      failures += 1;
    }
  }
}
