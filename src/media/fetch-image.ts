import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { CommonspaceError } from '../domain/errors.js';
import { addressAllowed, type Networks, parseNetworks } from './address-guard.js';
import { MAX_IMAGE_BYTES } from './limits.js';

/** All addresses of a host name. */
type Resolve = (hostname: string) => Promise<readonly string[]>;

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

const DEFAULT_FETCH_POLICY: Rules = {
  allowNetworks: [],
  timeoutMs: 15_000,
  maxBytes: MAX_IMAGE_BYTES,
  maxRedirects: 5,
  resolve: async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address),
};

const MAX_URL_LENGTH = 8192;

/**
 * Fetches the bytes at an http(s) address. A caller cannot use it to reach private networks (server-side request forgery):
 * host names are resolved here, all their addresses must be allowed, and the connection goes to these addresses without
 * a second lookup (DNS rebinding). Redirects follow the same rules. Any port is allowed. Proxies of the environment are
 * not used; cookies and credentials are not sent.
 *
 * @throws CommonspaceError BAD_INPUT (not an address), ADDRESS_NOT_ALLOWED, FETCH_FAILED, FETCH_TIMEOUT,
 *   IMAGE_TOO_LARGE, EMPTY_IMAGE, CANCELLED
 */
export async function fetchImage(
  url: string,
  policy: FetchPolicy = {},
  signal?: AbortSignal,
): Promise<Buffer> {
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
    return await follow(url, rules, networks, controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    throw error instanceof CommonspaceError ? error : fetchFailed(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

async function follow(start: string, rules: Rules, networks: Networks, signal: AbortSignal): Promise<Buffer> {
  let url = parseAddress(start);
  for (let redirects = 0; redirects <= rules.maxRedirects; redirects += 1) {
    const addresses = await allowedAddresses(url, rules.resolve, networks, signal);
    const answer = await get(url, addresses, rules, signal);
    if (answer.kind === 'body') return answer.bytes;
    url = parseAddress(answer.location, url);
  }
  throw new CommonspaceError('FETCH_FAILED', `The address redirects more than ${rules.maxRedirects} times.`);
}

function parseAddress(text: string, base?: URL): URL {
  // WHATWG parsing normalises forms such as 2130706433, 0x7f.1 and 127.0.0.1. to the address that is checked.
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text, base?.href)) {
    throw base
      ? new CommonspaceError('FETCH_FAILED', 'The address redirects to an invalid address.')
      : new CommonspaceError('BAD_INPUT', 'This is not an address such as https://example.org/picture.jpg.');
  }
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CommonspaceError('ADDRESS_NOT_ALLOWED', 'Only http and https addresses are fetched.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new CommonspaceError('ADDRESS_NOT_ALLOWED', 'An address must not contain a user name or password.');
  }
  return url;
}

/**
 * The addresses to connect to. The name is refused if one of its addresses is not allowed: a mix of public and private
 * addresses is typical of a rebinding attack. The error does not name addresses.
 */
async function allowedAddresses(
  url: URL,
  resolve: Resolve,
  networks: Networks,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (/(^|\.)localhost\.?$/.test(host)) {
    // Always this machine (RFC 6761), without a resolver. An allowed one of its two addresses is used.
    const loopback = ['127.0.0.1', '::1'].filter((address) => addressAllowed(address, networks));
    if (loopback.length > 0) return loopback;
    throw notAllowed(url);
  }
  const addresses = isIP(host) ? [host] : await unlessAborted(resolve(host), signal);
  if (addresses.length === 0) throw new CommonspaceError('FETCH_FAILED', 'The host name has no address.');
  if (addresses.every((address) => addressAllowed(address, networks))) return addresses;
  throw notAllowed(url);
}

function notAllowed(url: URL): CommonspaceError {
  return new CommonspaceError('ADDRESS_NOT_ALLOWED', `${url.hostname} is in a network that is not allowed.`);
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

type Answer =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'redirect'; readonly location: string };

async function get(
  url: URL,
  addresses: readonly string[],
  rules: Rules,
  signal: AbortSignal,
): Promise<Answer> {
  // Imported on demand, because most processes do not fetch.
  const undici = await import('undici');
  // The signal enforces one time limit for the whole fetch, so undici's own timers are off.
  const agent = new undici.Agent({
    connect: undici.buildConnector({ timeout: 0, lookup: pinned(addresses) }),
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  });
  try {
    const response = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'GET',
      headers: { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'commonspace' },
      signal,
    });
    return await readAnswer(response, rules.maxBytes);
  } finally {
    // Also closes a connection whose body was not read completely.
    await agent.destroy();
  }
}

/** A lookup without a resolver: it returns the checked addresses for any name. */
function pinned(addresses: readonly string[]): LookupFunction {
  const records = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = records;
    if (options.all) callback(null, records);
    else callback(null, first?.address ?? '', first?.family);
  };
}

async function readAnswer(response: Dispatcher.ResponseData, maxBytes: number): Promise<Answer> {
  const { statusCode, headers, body } = response;
  const location = headers.location;
  try {
    if ([301, 302, 303, 307, 308].includes(statusCode) && typeof location === 'string') {
      return { kind: 'redirect', location };
    }
    if (statusCode < 200 || statusCode > 299) {
      throw new CommonspaceError('FETCH_FAILED', `The address answered with status ${statusCode}.`);
    }
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      // Decompression would need a limit of its own. The request asks for the identity encoding.
      throw new CommonspaceError(
        'FETCH_FAILED',
        'The address answered with a compressed body, which was not requested.',
      );
    }
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return { kind: 'body', bytes: await readBody(body, maxBytes) };
  } finally {
    body.on('error', () => {}); // destroying an unread body emits an error, which is not needed
    body.destroy();
  }
}

async function readBody(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of body) {
    total += chunk.length;
    if (total > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  if (total === 0) throw new CommonspaceError('EMPTY_IMAGE', 'The address answered with no bytes.');
  return Buffer.concat(chunks, total);
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
