import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, LOCAL } from '../domain/access.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ApiKeys } from '../services/access/api-keys.js';

/** Served without a key. They reveal nothing about the catalogue to callers without one. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Whether the request is for one of these paths. */
export function isOpen(request: FastifyRequest): boolean {
  return OPEN_PATHS.has(request.url.split('?')[0] ?? '');
}

export interface AccessOptions {
  /** Keys of the environment: they may do everything. */
  readonly apiKeys: readonly string[];
  /** Keys in the database. */
  readonly keys: Pick<ApiKeys, 'exist' | 'callerOf'>;
  readonly loopback: boolean;
}

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
 * Checks access to every request. Where there are keys, and on an address that other machines reach, a request must carry one. Without keys,
 * the Host header must be a loopback name, which stops DNS rebinding: a web page whose own host name resolves to 127.0.0.1.
 *
 * @returns who sends a request, for the paths that are served without a key
 */
export function registerAccess(app: FastifyInstance, { apiKeys, keys, loopback }: AccessOptions): Identify {
  const fixed = apiKeys.map(digest);
  const find = async (secret: string): Promise<Caller | null> => {
    const shown = digest(secret);
    if (fixed.some((key) => timingSafeEqual(key, shown))) return ENVIRONMENT;
    return await keys.callerOf(secret);
  };
  const identify = async ({ headers }: FastifyRequest): Promise<Caller | Refusal> => {
    if (fixed.length > 0 || !loopback || (await keys.exist())) {
      const secret = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1];
      return (secret === undefined ? null : await find(secret)) ?? 'NO_KEY';
    }
    return isLoopback(hostName(headers.host ?? '')) ? LOCAL : 'OTHER_HOST';
  };
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (isOpen(request)) return;
    const caller = await identify(request);
    if (typeof caller === 'string') throw refused(caller);
    callers.set(request, caller);
  });
  return identify;
}

/** Who sends a request, or why it is refused. */
export type Identify = (request: FastifyRequest) => Promise<Caller | Refusal>;
type Refusal = 'NO_KEY' | 'OTHER_HOST';

function refused(why: Refusal): CommonspaceError {
  const [message, field] =
    why === 'NO_KEY'
      ? ['The request needs an API key: `Authorization: Bearer …`.', 'authorization']
      : ['Without API keys, the Host header must be a loopback name such as localhost.', 'host'];
  return new CommonspaceError('UNAUTHENTICATED', message, [field]);
}

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
