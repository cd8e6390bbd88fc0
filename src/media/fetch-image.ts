import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { CommonspaceError } from '../domain/errors.js';
import { addressAllowed, type Networks, parseNetworks } from './address-guard.js';
import { MAX_IMAGE_BYTES } from './limits.js';

/** All addresses of a host name. */
type Resolve = (hostname: string) => Promise<readonly string[]>;

/** What the server may fetch on behalf of its callers; what is left out is as in `DEFAULT_FETCH_POLICY`. */
export interface FetchPolicy {
  /** Networks (CIDR) that addresses may lead into besides the public internet. */
  readonly allowNetworks?: readonly string[];
  /** For everything together: names, connections, redirects, headers and body. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
  /** The operating system's resolver, unless another is given. */
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
 * The bytes at an http(s) address, fetched so that a caller cannot reach what only this machine can reach: names are
 * resolved here, every address they have must be allowed, and the connection goes to those very addresses, so that a
 * name that answers differently a moment later changes nothing. Redirects are followed under the same rules. Any port
 * may be named. No proxy of the environment is used, no cookies or credentials are sent.
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
  // WHATWG parsing also turns 2130706433, 0x7f.1 and 127.0.0.1. into the one form that is checked and connected to.
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text, base?.href)) {
    throw base
      ? new CommonspaceError('FETCH_FAILED', 'The address redirects to something that is not an address.')
      : new CommonspaceError('BAD_INPUT', 'This is not an address (https://example.org/picture.jpg, say).');
  }
  const url = new URL(text, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new CommonspaceError('ADDRESS_NOT_ALLOWED', 'Only http and https addresses are fetched.');
  }
  if (url.username !== '' || url.password !== '') {
    throw new CommonspaceError('ADDRESS_NOT_ALLOWED', 'An address may not carry a user name or password.');
  }
  return url;
}

/**
 * The addresses to connect to. One that is not allowed among them refuses the name: an answer that mixes public and
 * private addresses is how a rebinding attack looks, and no honest host has one. The error does not name addresses.
 */
async function allowedAddresses(
  url: URL,
  resolve: Resolve,
  networks: Networks,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (/(^|\.)localhost\.?$/.test(host)) {
    // Always this machine (RFC 6761), whatever a resolver says; reached by whichever of its two addresses is allowed.
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
  return new CommonspaceError(
    'ADDRESS_NOT_ALLOWED',
    `${url.hostname} leads into a network that is not allowed.`,
  );
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
  // Loaded once it is needed: most processes fetch nothing.
  const undici = await import('undici');
  // The time cap is one for the whole fetch and aborts through the signal, so undici's own timers are off.
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
    // Also drops a connection whose body was not read to its end.
    await agent.destroy();
  }
}

/** A lookup that asks no resolver: whatever name is in the address, the checked addresses are connected to. */
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
      // Unpacking would need a cap of its own; a server that was asked for identity has no reason to compress an image.
      throw new CommonspaceError(
        'FETCH_FAILED',
        'The address answered in a compressed form that was not asked for.',
      );
    }
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
    return { kind: 'body', bytes: await readBody(body, maxBytes) };
  } finally {
    body.on('error', () => {}); // destroying an unfinished body reports itself; nobody is left to care
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
  return new CommonspaceError('IMAGE_TOO_LARGE', `The address holds more than ${maxBytes / 2 ** 20} MB.`);
}

/** Only the code is told: messages of the network layer name addresses, which a caller need not learn. */
function fetchFailed(error: unknown): CommonspaceError {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown reason';
  const reason = code === 'ENOTFOUND' ? 'the host name is not known' : code;
  return new CommonspaceError('FETCH_FAILED', `The address could not be fetched: ${reason}.`, [], {
    cause: error,
  });
}
