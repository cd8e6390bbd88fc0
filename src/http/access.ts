import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';

/** Answered to anybody: says nothing about the catalogue. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

export interface AccessOptions {
  readonly apiKeys: readonly string[];
  readonly loopback: boolean;
}

/** Whether a host to listen on is this machine's own, reached by nobody else. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** @throws CommonspaceError BAD_CONFIG for listening beyond loopback without a key. */
export function checkExposure(host: string, apiKeys: readonly string[]): void {
  if (isLoopback(host) || apiKeys.length > 0) return;
  throw new CommonspaceError(
    'BAD_CONFIG',
    `Listening on ${host} lets other machines in, which needs COMMONSPACE_API_KEYS (16 characters or more each).`,
    ['host'],
  );
}

/**
 * Who may ask. With keys: whoever shows one. Without: this machine alone, and only by a loopback name, so that no web
 * page can reach the catalogue by pointing its own name at 127.0.0.1.
 */
export function registerAccess(app: FastifyInstance, { apiKeys, loopback }: AccessOptions): void {
  const known = apiKeys.map(digest);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    if (OPEN_PATHS.has(request.url.split('?')[0] ?? '')) return;
    if (known.length > 0) {
      const shown = digest(/^Bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '');
      if (known.some((key) => timingSafeEqual(key, shown))) return;
      throw new CommonspaceError('UNAUTHENTICATED', 'Show an API key: `Authorization: Bearer …`.', [
        'authorization',
      ]);
    }
    if (loopback && !isLoopback(hostName(request.headers.host ?? ''))) {
      throw new CommonspaceError(
        'UNAUTHENTICATED',
        'Without API keys, only loopback names such as localhost are served.',
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

// Digests have one length, which is what a comparison in constant time needs.
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
