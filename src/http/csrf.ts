import type { FastifyRequest } from 'fastify';
import { CommonspaceError } from '../domain/errors.js';

/** Types of a body that a page may send to another site without a preflight request. */
const SIMPLE_CONTENT_TYPES: ReadonlySet<string> = new Set([
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
]);

/** Headers that force a preflight request; Apollo accepts the same. */
const PREFLIGHT_HEADERS = ['x-apollo-operation-name', 'apollo-require-preflight'] as const;

/**
 * Refuses a request that a page of another site can make a browser send without a preflight request. The check is that of
 * Apollo's csrfPrevention. It also accepts `Sec-Fetch-Site: same-origin`, which only the browser can set, because an
 * EventSource cannot send headers of its own.
 *
 * @throws CommonspaceError BAD_INPUT
 */
export function checkCsrf({ headers }: FastifyRequest): void {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== undefined && !SIMPLE_CONTENT_TYPES.has(type)) return;
  if (PREFLIGHT_HEADERS.some((name) => Boolean(headers[name]))) return;
  if (headers['sec-fetch-site'] === 'same-origin') return;
  throw new CommonspaceError(
    'BAD_INPUT',
    `Blocked as a possible cross-site request. Send content-type: application/json, or a value in the header ${PREFLIGHT_HEADERS.join(' or ')}.`,
    ['content-type'],
  );
}
