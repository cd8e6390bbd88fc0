import { isIP, type LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { CommonspaceError } from '../domain/errors.js';
import { addressAllowed, type Networks } from './address-guard.js';

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface GuardedRules {
  /** Networks that may be reached besides the public internet. */
  readonly networks: Networks;
  /** Hosts, with ports, that the configuration names: they may have any address. */
  readonly trustedHosts?: readonly string[];
  readonly maxRedirects: number;
  readonly resolve: Resolve;
  readonly headers: Readonly<Record<string, string>>;
  /** Enforces the time limit. */
  readonly signal: AbortSignal;
}

const MAX_URL_LENGTH = 8192;

/**
 * Sends a GET to an http(s) address, follows redirects, and reads the answer of status 200 to 299. Private networks cannot be
 * reached (server-side request forgery): host names are resolved here, all their addresses must be allowed, and the connection
 * goes to these addresses without a second lookup (DNS rebinding). Redirects follow the same rules. Any port is allowed.
 * Proxies of the environment are not used; cookies and credentials are not sent.
 *
 * @param read reads the body before the connection is closed
 * @throws CommonspaceError BAD_INPUT (not an address), ADDRESS_NOT_ALLOWED, FETCH_FAILED; the errors of the network layer, which
 *   name internal addresses
 */
export async function guardedRequest<T>(
  start: string,
  rules: GuardedRules,
  read: (response: Dispatcher.ResponseData) => Promise<T>,
): Promise<T> {
  let url = parseAddress(start);
  for (let redirects = 0; redirects <= rules.maxRedirects; redirects += 1) {
    const answer = await get(url, await allowedAddresses(url, rules), rules, read);
    if (answer.kind === 'read') return answer.value;
    url = parseAddress(answer.location, url);
  }
  throw new CommonspaceError('FETCH_FAILED', `The address redirects more than ${rules.maxRedirects} times.`);
}

/** @throws CommonspaceError BAD_INPUT, ADDRESS_NOT_ALLOWED; FETCH_FAILED for the address of a redirect, relative to `base` */
export function parseAddress(text: string, base?: URL): URL {
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
  { resolve, networks, trustedHosts = [], signal }: GuardedRules,
): Promise<readonly string[]> {
  const isTrusted = trustedHosts.includes(url.host);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (/(^|\.)localhost\.?$/.test(host)) {
    // Always this machine (RFC 6761), without a resolver. An allowed one of its two addresses is used.
    const loopback = ['127.0.0.1', '::1'].filter((address) => isTrusted || addressAllowed(address, networks));
    if (loopback.length > 0) return loopback;
    throw notAllowed(url);
  }
  const addresses = isIP(host) ? [host] : await unlessAborted(resolve(host), signal);
  if (addresses.length === 0) throw new CommonspaceError('FETCH_FAILED', 'The host name has no address.');
  if (isTrusted || addresses.every((address) => addressAllowed(address, networks))) return addresses;
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

type Answer<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'redirect'; readonly location: string };

async function get<T>(
  url: URL,
  addresses: readonly string[],
  { headers, signal }: GuardedRules,
  read: (response: Dispatcher.ResponseData) => Promise<T>,
): Promise<Answer<T>> {
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
      headers: { 'accept-encoding': 'identity', 'user-agent': 'commonspace', ...headers },
      signal,
    });
    return await readAnswer(response, read);
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

async function readAnswer<T>(
  response: Dispatcher.ResponseData,
  read: (response: Dispatcher.ResponseData) => Promise<T>,
): Promise<Answer<T>> {
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
    return { kind: 'read', value: await read(response) };
  } finally {
    body.on('error', () => {}); // destroying an unread body emits an error, which is not needed
    body.destroy();
  }
}
