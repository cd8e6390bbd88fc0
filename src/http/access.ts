import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';

/** Served without a key. They reveal nothing about the catalogue. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Whether the request is for one of these paths. */
export function isOpen(request: FastifyRequest): boolean {
  return OPEN_PATHS.has(request.url.split('?')[0] ?? '');
}

export interface AccessOptions {
  readonly apiKeys: readonly string[];
  readonly loopback: boolean;
}

/** Whether a host is a loopback address, which other machines cannot reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws CommonspaceError BAD_CONFIG if the host is not a loopback address and there is no API key */
export function checkExposure(host: string, apiKeys: readonly string[]): void {
  if (isLoopback(host) || apiKeys.length > 0) return;
  throw new CommonspaceError(
    'BAD_CONFIG',
    `Other machines can reach ${host}. Set COMMONSPACE_API_KEYS (keys of at least 16 characters) to listen on it.`,
    ['host'],
  );
}

/**
 * Checks access to every request. With API keys, a request must carry one. Without keys, the Host header must be a loopback
 * name, which stops DNS rebinding: a web page whose own host name resolves to 127.0.0.1.
 */
export function registerAccess(app: FastifyInstance, { apiKeys, loopback }: AccessOptions): void {
  const known = apiKeys.map(digest);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (isOpen(request)) return;
    if (known.length > 0) {
      const shown = digest(/^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
      if (known.some((key) => timingSafeEqual(key, shown))) return;
      throw new CommonspaceError(
        'UNAUTHENTICATED',
        'The request needs an API key: `Authorization: Bearer …`.',
        ['authorization'],
      );
    }
    if (loopback && !isLoopback(hostName(request.headers.host ?? ''))) {
      throw new CommonspaceError(
        'UNAUTHENTICATED',
        'Without API keys, the Host header must be a loopback name such as localhost.',
        ['host'],
      );
    }
  });
}

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
