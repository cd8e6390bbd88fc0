import { lookup } from 'node:dns/promises';
import type { Dispatcher } from 'undici';
import { CommonspaceError } from '../domain/errors.js';
import type { FetchBudget, RequestScope } from '../domain/fetch-budget.js';
import { timeStage } from '../domain/observations.js';
import { parseNetworks } from '../platform/address-guard.js';
import { guardedRequest, type Resolve } from '../platform/guarded-request.js';
import { MAX_IMAGE_BYTES } from './limits.js';

/** Rules for fetches on behalf of callers. Omitted fields have the values of `DEFAULT_FETCH_POLICY`. */
export interface FetchPolicy {
  /** Networks (CIDR) that may be reached besides the public internet. */
  readonly allowNetworks?: readonly string[];
  /** For the whole fetch: name resolution, connections, redirects, headers and body. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
  /** Default: the operating system's resolver. */
  readonly resolve?: Resolve;
}

type Rules = Required<FetchPolicy>;

/** Waits until there is room for so many bytes in memory, or until the signal aborts. */
export type Reserve = (bytes: number, signal: AbortSignal) => Promise<void>;

const DEFAULT_FETCH_POLICY: Rules = {
  allowNetworks: [],
  timeoutMs: 15_000,
  maxBytes: MAX_IMAGE_BYTES,
  maxRedirects: 5,
  resolve: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
};

/**
 * Fetches the bytes at an http(s) address. A caller cannot use it to reach private networks (server-side request forgery):
 * host names are resolved here, all their addresses must be allowed, and the connection goes to these addresses without
 * a second lookup (DNS rebinding). Redirects follow the same rules. Any port is allowed. Proxies of the environment are
 * not used; cookies and credentials are not sent.
 *
 * @param reserve waits for room for the body before it is read
 * @throws CommonspaceError BAD_INPUT (not an address), ADDRESS_NOT_ALLOWED, FETCH_FAILED, FETCH_TIMEOUT,
 *   IMAGE_TOO_LARGE, EMPTY_IMAGE, FETCH_BUDGET_EXCEEDED, RATE_LIMITED, CANCELLED
 */
export async function fetchImage(
  url: string,
  policy: FetchPolicy = {},
  { signal, fetches }: RequestScope = {},
  reserve: Reserve = async () => {},
): Promise<Buffer> {
  fetches?.begin();
  const rules = { ...DEFAULT_FETCH_POLICY, ...policy };
  const networks = parseNetworks(rules.allowNetworks);
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const seconds = rules.timeoutMs / 1000;
    controller.abort(
      new CommonspaceError('FETCH_TIMEOUT', `The address did not answer within ${seconds} s.`),
    );
  }, rules.timeoutMs);
  const cancel = () => controller.abort(new CommonspaceError('CANCELLED', 'The request was cancelled.'));
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  try {
    return await timeStage('fetch', () =>
      guardedRequest(
        url,
        { ...rules, networks, headers: { accept: 'image/*' }, signal: controller.signal },
        (response) => {
          const room = (bytes: number) => reserve(bytes, controller.signal);
          return readImage(response, rules.maxBytes, room, fetches);
        },
      ),
    );
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    throw error instanceof CommonspaceError ? error : fetchFailed(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

async function readImage(
  { headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  reserve: (bytes: number) => Promise<void>,
  fetches: FetchBudget | undefined,
): Promise<Buffer> {
  const declared = Number(headers['content-length'] ?? Number.NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  // The HTTP parser refuses a body that is longer than declared. Memory that is not written to is not used.
  const size = declared >= 0 ? declared : maxBytes;
  await reserve(size);
  const bytes = Buffer.allocUnsafe(size);
  let total = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    fetches?.spend(chunk.length);
    if (total + chunk.length > size) throw tooLarge(maxBytes);
    bytes.set(chunk, total);
    total += chunk.length;
  }
  if (total === 0) throw new CommonspaceError('EMPTY_IMAGE', 'The address answered with no bytes.');
  return bytes.subarray(0, total);
}

function tooLarge(maxBytes: number): CommonspaceError {
  return new CommonspaceError(
    'IMAGE_TOO_LARGE',
    `The file at the address is larger than ${maxBytes / 2 ** 20} MB.`,
  );
}

/** Contains only the code: messages of the network layer name internal addresses. */
function fetchFailed(error: unknown): CommonspaceError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown reason';
  const reason = code === 'ENOTFOUND' ? 'the host name is not known' : code;
  return new CommonspaceError('FETCH_FAILED', `The address could not be fetched: ${reason}.`, [], {
    cause: error,
  });
}
