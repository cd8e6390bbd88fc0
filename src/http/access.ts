import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, LOCAL } from '../domain/access.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ApiKeys } from '../services/access/api-keys.js';
import type { Sessions } from '../services/access/sessions.js';
import type { SignedMedia } from '../services/access/signed-media.js';
import { prefersHtml } from './accept.js';
import { isPageFile } from './page-routes.js';

/** Served without a key. They reveal nothing about the catalogue to callers without one. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Whether the request is for one of these paths. */
export function isOpen(request: FastifyRequest): boolean {
  return OPEN_PATHS.has(pathOf(request));
}

/** Ends a session in a browser, also one that is not valid any more. */
function endsSession(request: FastifyRequest): boolean {
  return request.method === 'DELETE' && pathOf(request) === '/session';
}

/** Opens the page, which shows nothing of the catalogue without a key. */
function opensPage(request: FastifyRequest): boolean {
  return request.method === 'GET' && isPageFile(pathOf(request), prefersHtml(request));
}

/** The request without its query, which can hold texts of searches. */
export function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? '';
}

export interface AccessOptions {
  /** Keys of the environment: they may do everything. */
  readonly apiKeys: readonly string[];
  /** Keys in the database. */
  readonly keys: Pick<ApiKeys, 'exist' | 'callerOf'>;
  readonly sessions: Pick<Sessions, 'begin' | 'callerOf'>;
  readonly signedMedia: Pick<SignedMedia, 'isValid'>;
  readonly loopback: boolean;
}

/** Cookie of a session. */
export const SESSION_COOKIE = 'commonspace_session';

const callers = new WeakMap<FastifyRequest, Caller>();

/** Who sends a request that `registerAccess` has let through. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = callers.get(request);
  if (caller === undefined) throw new Error(`nothing is known of who sends ${request.url}`);
  return caller;
}

/** Whether a host is a loopback address, which other machines cannot reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Whether the request had to carry a key, so that what it reads is not public. */
export function needsKey(request: FastifyRequest): boolean {
  return callerOf(request) !== LOCAL;
}

/** @throws CommonspaceError BAD_CONFIG if the host is not a loopback address and there is no key */
export async function checkExposure(
  host: string,
  { apiKeys, keys }: Pick<AccessOptions, 'apiKeys' | 'keys'>,
): Promise<void> {
  if (isLoopback(host) || apiKeys.length > 0 || (await keys.exist())) return;
  throw new CommonspaceError(
    'BAD_CONFIG',
    `Other machines can reach ${host}. Make a key with \`commonspace keys create\`, or set COMMONSPACE_API_KEYS (keys of at least 16 characters), to listen on it.`,
    ['host'],
  );
}

/**
 * Checks access to every request. Where there are keys, and on an address that other machines reach, a request must carry one, or the cookie of
 * a session that was begun with one; the signed address of a picture needs neither. Without keys, the Host header must be a loopback name,
 * which stops DNS rebinding: a web page whose own host name resolves to 127.0.0.1.
 */
export function registerAccess(app: FastifyInstance, options: AccessOptions): Access {
  const { apiKeys, keys, sessions, signedMedia, loopback } = options;
  const fixed = apiKeys.map(digest);
  const environment = digest(apiKeys.join(',')).toString('hex');
  const find = async (request: FastifyRequest): Promise<Caller | null> => {
    const secret = /^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (secret !== undefined) {
      const shown = digest(secret);
      return fixed.some((key) => timingSafeEqual(key, shown)) ? ENVIRONMENT : await keys.callerOf(secret);
    }
    const session = sessionOf(request);
    const fixedCaller = fixed.length > 0 ? ENVIRONMENT : null;
    const caller = session === null ? null : await sessions.callerOf(session, fixedCaller, environment);
    // A browser sends the cookie of a session that has ended with the signed address of a picture too.
    return caller ?? ((await isSigned(request, signedMedia)) ? SIGNED : null);
  };
  const identify = async (request: FastifyRequest): Promise<Caller | Refusal> => {
    if (fixed.length > 0 || !loopback || (await keys.exist())) return (await find(request)) ?? 'NO_KEY';
    return isLoopback(hostName(request.headers.host ?? '')) ? LOCAL : 'OTHER_HOST';
  };
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (isOpen(request) || endsSession(request) || opensPage(request)) return;
    const caller = await identify(request);
    if (typeof caller === 'string') throw refused(caller);
    callers.set(request, caller);
  });
  return { identify, beginSession: (caller) => sessions.begin(caller, environment) };
}

export interface Access {
  /** Who sends a request, or why it is refused: for the paths that are served without a key. */
  readonly identify: Identify;
  /** The value of the cookie of a new session. */
  readonly beginSession: (caller: Caller) => Promise<string>;
}

export type Identify = (request: FastifyRequest) => Promise<Caller | Refusal>;
type Refusal = 'NO_KEY' | 'OTHER_HOST';

function refused(why: Refusal): CommonspaceError {
  const [message, field] =
    why === 'NO_KEY'
      ? ['The request needs an API key: `Authorization: Bearer …`.', 'authorization']
      : ['Without API keys, the Host header must be a loopback name such as localhost.', 'host'];
  return new CommonspaceError('UNAUTHENTICATED', message, [field]);
}

/** The session in the cookie; null without one. */
function sessionOf({ headers }: FastifyRequest): string | null {
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim());
  const found = cookies.find((cookie) => cookie.startsWith(`${SESSION_COOKIE}=`));
  return found === undefined ? null : found.slice(SESSION_COOKIE.length + 1);
}

/** Whether the request is for a picture by a signed address that has not expired. */
async function isSigned(
  request: FastifyRequest,
  signedMedia: AccessOptions['signedMedia'],
): Promise<boolean> {
  if (request.method !== 'GET' || request.routeOptions.url !== '/media/:id') return false;
  const { id } = request.params as { readonly id: string };
  const { width, expires, signature } = request.query as Readonly<Record<string, unknown>>;
  if (typeof signature !== 'string' || typeof expires !== 'string') return false;
  const asked = {
    width: typeof width === 'string' ? Number(width) : null,
    expires: Number(expires),
    signature,
  };
  return await signedMedia.isValid(id, asked);
}

/** By a signed address: may fetch this picture, and nothing else. */
const SIGNED: Caller = { keyId: null, name: 'signed address', scopes: [] };

const ENVIRONMENT: Caller = { keyId: null, name: 'environment', scopes: ['admin'] };

function hostName(header: string): string {
  return header
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

// timingSafeEqual needs buffers of equal length.
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
