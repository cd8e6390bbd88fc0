import type { Draw } from './draw.js';
import { CONTENT_TYPES, type FuzzRequest, PREFLIGHT, STREAM } from './fuzz-request.js';

const BODIES: readonly string[] = [
  '',
  ' ',
  'null',
  '7',
  '"{ __typename }"',
  '[]',
  '[{"query":"{ __typename }"}]',
  '[[[[]]]]',
  '{}',
  '{',
  '{"query":}',
  '{"query":null}',
  '{"query":7}',
  '{"query":["{ __typename }"]}',
  '{"query":""}',
  '{"query":"{ __typename }","variables":7}',
  '{"query":"{ __typename }","variables":"{}"}',
  '{"query":"{ __typename }","variables":[]}',
  '{"query":"{ __typename }","variables":{"__proto__":{"a":1}}}',
  '{"query":"{ __typename }","operationName":7}',
  '{"query":"{ __typename }","operationName":{}}',
  '{"query":"{ __typename }","extensions":7}',
  '{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}',
  '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"a"}}}',
  '{"documentId":"a"}',
  '{"__proto__":{"query":"{ __typename }"}}',
  '{"constructor":{"prototype":{"query":"{ __typename }"}}}',
  '{"query":"{ __typename }"}{"query":"{ __typename }"}',
  '{"query":"query A { __typename } query B { __typename }"}',
  '{"query":"fragment A on Query { __typename }"}',
  '{"query":"type A { a: Int }"}',
  `{"query":"{ __typename }","variables":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`,
  `{"query":"${'{ node '.repeat(5_000)}"}`,
  `{"query":"${'# comment\\n'.repeat(20_000)}{ __typename }"}`,
  `{"query":"{ __typename }","a":"${'x'.repeat(2_000_000)}"}`,
  '\ufeff{"query":"{ __typename }"}',
];
/** A body of /graphql that is no operation, or that has the wrong type. */
export function graphqlBody(draw: Draw): FuzzRequest {
  const text = draw.pick(BODIES);
  const bytes = Buffer.from(draw.chance(0.2) ? text.slice(0, draw.int(text.length + 1)) : text);
  // Bytes that are not UTF-8.
  if (draw.chance(0.2) && bytes.length > 0) bytes[draw.int(bytes.length)] = 0xff;
  const type = draw.chance(0.6) ? 'application/json' : draw.pick(CONTENT_TYPES);
  const extra = draw.pick([
    {},
    {},
    {},
    PREFLIGHT,
    STREAM,
    { 'content-encoding': 'gzip' },
    { expect: 'a miracle' },
  ]);
  const headers = { ...(type !== '' && { 'content-type': type }), ...extra };
  const method = draw.chance(0.9) ? 'POST' : draw.pick(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'GET', 'HEAD']);
  return { kind: 'body of /graphql', method, path: '/graphql', headers, body: bytes };
}
