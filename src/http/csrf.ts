import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';
import { opensGraphqlPage } from './accept.js';

/** Types of a body that a page may send to another site without a preflight request. */
const SIMPLE_CONTENT_TYPES: ReadonlySet<string> = new Set([
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

/** Headers that force a preflight request; Apollo's clients send them. */
export const PREFLIGHT_HEADERS = ['x-apollo-operation-name', 'apollo-require-preflight'] as const;

/** Methods that change nothing, except at /graphql, where a GET runs an operation. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Routes that work for long on a GET. */
const COSTLY: ReadonlySet<string | undefined> = new Set(['/export', '/backup']);

/**
 * Refuses requests that a page of another site makes a browser send: all that change something, all GraphQL operations, and archives.
 * Two checks are needed, because neither covers every browser and every request:
 *
 * 1. `Sec-Fetch-Site`, or else `Origin`, says where a page is from. A page cannot set these headers. Programs other than
 *    browsers send neither.
 * 2. A GraphQL operation without them must have a header or a content type that a page can only send after a preflight request.
 *    Older browsers send a GET of another site without both headers.
 *
 * A preflight request (OPTIONS) is answered without the headers that would allow the request, except to pages of `origins`.
 */
export function registerCsrf(app: FastifyInstance, origins: readonly string[] = []): void {
  const allowed = new Set(origins);
  app.addHook('onRequest', async (request) => {
    const runsOperation = isGraphql(request) && !opensGraphqlPage(request);
    const works = runsOperation || COSTLY.has(request.routeOptions.url);
    if (request.method === 'OPTIONS' || (READING.has(request.method) && !works)) return;
    if (allowed.has(request.headers.origin ?? '')) return;
    const site = siteOf(request);
    if (site === 'other') {
      throw new CommonspaceError(
        'CROSS_SITE_REQUEST',
        'Blocked, because a page of another site sent the request.',
        [request.headers['sec-fetch-site'] === undefined ? 'origin' : 'sec-fetch-site'],
      );
    }
    if (runsOperation && site === 'unknown' && !neededPreflight(request)) {
      throw new CommonspaceError(
        'BAD_INPUT',
        `Blocked as a possible cross-site request (CSRF). Send content-type: application/json, or a value in the header ${PREFLIGHT_HEADERS.join(' or ')}.`,
        ['content-type'],
      );
    }
  });
}

function isGraphql({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === '/graphql';
}

/** Whether a page of this server sent the request, or one of another; unknown without a page, and for older browsers. */
function siteOf({ headers }: FastifyRequest): 'own' | 'other' | 'unknown' {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return 'own';
  // `none`: the user typed the address or opened a bookmark.
  if (site !== undefined) return site === 'none' ? 'unknown' : 'other';
  const { origin, host } = headers;
  if (origin === undefined) return 'unknown';
  // The scheme is not compared, because a reverse proxy may end TLS.
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase() ? 'own' : 'other';
}

function neededPreflight({ headers }: FastifyRequest): boolean {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && !SIMPLE_CONTENT_TYPES.has(type)) return true;
  return PREFLIGHT_HEADERS.some((name) => Boolean(headers[name]));
}
