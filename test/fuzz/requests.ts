import type { Draw } from './draw.js';
import { type FuzzRequest, JSON_TYPE, PREFLIGHT, STREAM } from './fuzz-request.js';
import { graphqlBody } from './graphql-bodies.js';
import { headers, rawBytes, route } from './http-requests.js';
import { mediaDownload, mediaUpload } from './media-requests.js';
import type { FuzzOperation } from './operations.js';
import type { Pool } from './pool.js';

/** An operation by POST, rarely by GET, and as a stream where it is a subscription. */
export function operationRequest(draw: Draw, operation: FuzzOperation): FuzzRequest {
  const { kind, document, variables, operationName } = operation;
  const stream = kind === 'subscription' || draw.chance(0.04) ? STREAM : {};
  const leaveAfterMs = draw.chance(0.02) ? draw.int(30) : undefined;
  const leave = leaveAfterMs === undefined ? {} : { leaveAfterMs };
  if (draw.chance(0.05)) {
    const query = new URLSearchParams({ query: document.toWellFormed(), variables });
    if (operationName !== null) query.set('operationName', operationName);
    // Node's server refuses longer heads.
    const path = `/graphql?${query}`.slice(0, 14_000);
    return {
      kind: `${kind} by GET`,
      method: 'GET',
      path,
      headers: { ...PREFLIGHT, ...stream },
      body: null,
      ...leave,
    };
  }
  const name = operationName === null ? '' : `,"operationName":${JSON.stringify(operationName)}`;
  const body = Buffer.from(`{"query":${JSON.stringify(document)},"variables":${variables}${name}}`);
  return { kind, method: 'POST', path: '/graphql', headers: { ...JSON_TYPE, ...stream }, body, ...leave };
}

/** A request that is malformed as HTTP, as JSON or as a form, or that is for another route than /graphql. */
export function otherRequest(draw: Draw, pool: Pool): FuzzRequest {
  const make = draw.pick([
    graphqlBody,
    graphqlBody,
    mediaUpload,
    mediaUpload,
    mediaDownload,
    route,
    headers,
    rawBytes,
  ]);
  return make(draw, pool);
}
