import type { Draw } from './draw.js';
import { EDGE_PICTURES, EDGE_STRINGS } from './edge-values.js';
import type { FuzzOperation } from './operations.js';
import type { Pool } from './pool.js';

/** A request as it is sent. */
export interface FuzzRequest {
  /** What it tries, for the table at the end. */
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** Bytes to send in place of a request that an HTTP client would build. */
  readonly raw?: Buffer;
  /** Disconnects after these milliseconds, whether or not there is an answer. */
  readonly leaveAfterMs?: number;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const PREFLIGHT = { 'apollo-require-preflight': 'yes' };
const STREAM = { accept: 'text/event-stream' };

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
const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'application/json; charset=nonsense',
  'application/graphql',
  'application/graphql+json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'text/html',
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/mixed; boundary=x',
  'image/png',
  'application/octet-stream',
  '',
  ';',
  'a/b/c',
  'APPLICATION/JSON',
];

function graphqlBody(draw: Draw): FuzzRequest {
  const text = draw.pick(BODIES);
  const bytes = Buffer.from(draw.chance(0.2) ? text.slice(0, draw.int(text.length + 1)) : text);
  // Bytes that are not UTF-8.
  if (draw.chance(0.2) && bytes.length > 0) bytes[draw.int(bytes.length)] = 0xff;
  const type = draw.chance(0.6) ? 'application/json' : draw.pick(TYPES);
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

function mediaUpload(draw: Draw, pool: Pool): FuzzRequest {
  const valid = draw.pick(pool.pictures);
  const picture = draw.pick([
    () => valid,
    () => draw.pick(EDGE_PICTURES),
    () => valid.subarray(0, draw.int(valid.length)),
    () => {
      const copy = Buffer.from(valid);
      for (let i = 0; i < 5; i += 1) copy[8 + draw.int(copy.length - 8)] = draw.int(256);
      return copy;
    },
    () => draw.bytes(200),
  ])();
  const request = (type: string, body: Buffer): FuzzRequest => ({
    kind: 'upload',
    method: 'POST',
    path: '/media',
    headers: { 'content-type': type },
    body,
  });
  if (draw.chance(0.5)) {
    return request(
      draw.pick(['image/png', 'image/x', 'application/octet-stream', 'text/plain', 'application/json']),
      picture,
    );
  }
  const part = (head: string, content: Buffer) =>
    Buffer.concat([Buffer.from(`--x\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')]);
  const file = part(
    `Content-Disposition: form-data; name="file"; filename="${draw.pick(['a.png', '../../a', '', '\u0000', 'x'.repeat(5_000)])}"`,
    picture,
  );
  const field = part('Content-Disposition: form-data; name="a"', Buffer.from('1'));
  const end = Buffer.from('--x--\r\n');
  const body = draw.pick([
    () => Buffer.concat([file, end]),
    () => Buffer.concat([file, file, end]),
    () => Buffer.concat([field, end]),
    () => Buffer.concat([...draw.list(20, () => field), file, end]),
    () => Buffer.concat([part('Content-Disposition: nonsense', picture), end]),
    () => Buffer.concat([part('X: y', picture), end]),
    () => file,
    () => end,
    () => Buffer.alloc(0),
    () => Buffer.concat([file, end]).subarray(0, draw.int(file.length)),
  ])();
  const type = draw.chance(0.8) ? 'multipart/form-data; boundary=x' : draw.pick(TYPES);
  return request(type, body);
}

function mediaDownload(draw: Draw, pool: Pool): FuzzRequest {
  const id = draw.pick([
    draw.pick(pool.media),
    draw.pick(pool.media),
    draw.pick(pool.media).toUpperCase(),
    'f'.repeat(64),
    'a',
    '..%2f..%2f..%2fetc%2fpasswd',
    '..%5c..%5cetc',
    '%00',
    '%ff%fe',
    '%',
    '%zz',
    'x'.repeat(5_000),
    '.',
    '..',
    '',
  ]);
  const width = draw.pick([
    '',
    '',
    '?width=1',
    '?width=64',
    '?width=99999',
    '?width=100000',
    '?width=0',
    '?width=-1',
    '?width=1e3',
    '?width=',
    '?width=1&width=2',
    '?width[]=1',
    '?expires=1&signature=a',
    '?signature=a&signature=b',
    '?expires=1e400&signature=%00',
  ]);
  const headers = draw.pick([
    {},
    { range: 'bytes=0-10' },
    { range: 'bytes=9-1,a' },
    { 'if-none-match': '*' },
    { 'if-none-match': 'W/"a' },
  ]);
  return {
    kind: 'download',
    method: draw.pick(['GET', 'GET', 'HEAD', 'DELETE']),
    path: `/media/${id}${width}`,
    headers,
    body: null,
  };
}

function route(draw: Draw): FuzzRequest {
  const path = draw.pick([
    '/',
    '/graphql',
    '/graphql?query=',
    '/graphql?query={',
    '/graphql?query={a}&query={b}',
    '/graphql?query={__typename}&variables=[',
    '/graphql?query={__typename}&variables=7',
    '/graphql?query={__typename}&extensions=x',
    '/graphql?%',
    '/schema.graphql',
    '/metrics',
    '/healthz',
    '/readyz',
    '/session',
    '/favicon.ico',
    '/nothing',
    '//',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..;/',
    '/%',
    '/%c0%af',
    `/${'a/'.repeat(2_000)}`,
    '/__proto__',
    '/constructor',
    '*',
  ]);
  const method = draw.pick([
    'GET',
    'GET',
    'GET',
    'POST',
    'HEAD',
    'PUT',
    'DELETE',
    'PATCH',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'SEARCH',
  ]);
  return { kind: 'route', method, path, headers: draw.pick([{}, PREFLIGHT, STREAM, JSON_TYPE]), body: null };
}

function headers(draw: Draw): FuzzRequest {
  const text = draw.pick(
    EDGE_STRINGS.filter((value) => typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)),
  );
  const value = String(text).slice(0, 4_000);
  const name = draw.pick([
    'accept',
    'origin',
    'sec-fetch-site',
    'x-request-id',
    'authorization',
    'cookie',
    'x-forwarded-proto',
    'x-forwarded-host',
    'x-forwarded-for',
    'accept-encoding',
    'traceparent',
    'content-type',
    'host',
    'connection',
    'if-modified-since',
    'access-control-request-method',
  ]);
  const plain: Record<string, readonly string[]> = {
    accept: [
      '*/*',
      'text/html',
      'text/event-stream;q=0',
      'application/graphql-response+json',
      'multipart/mixed',
      ';q=',
      ',,,',
    ],
    origin: ['null', 'http://localhost', 'http://', 'x'],
    authorization: ['Bearer ', 'Bearer x', 'Basic YTpi', 'Bearer ='],
    cookie: ['commonspace_session=', 'commonspace_session=a.b', 'commonspace_session=%00.%ff', '=;=;;', 'a'],
    host: ['localhost', 'evil.example', '127.0.0.1:99999', '[::1]', '[', '%00'],
  };
  const chosen = draw.chance(0.7) && plain[name] !== undefined ? draw.pick(plain[name]) : value;
  return {
    kind: 'headers',
    method: 'POST',
    path: '/graphql',
    headers: { ...JSON_TYPE, [name]: chosen },
    body: Buffer.from('{"query":"{ items(first: 1) { nodes { id } } }"}'),
  };
}

/** What an HTTP client does not send. */
function rawBytes(draw: Draw): FuzzRequest {
  const head = 'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
  const body = '{"query":"{ __typename }"}';
  const raw = draw.pick([
    () => draw.bytes(100),
    () => Buffer.from('GET\r\n\r\n'),
    () => Buffer.from('GET / HTTP/9.9\r\n\r\n'),
    () => Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    () => Buffer.from('GET / HTTP/1.0\r\n\r\n'),
    () => Buffer.from(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`),
    () => Buffer.from(`GET / HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(3_000)}\r\n`),
    () => Buffer.from(`GET / HTTP/1.1\r\nhost: localhost\r\nx: a\u0000b\r\n\r\n`),
    () => Buffer.from(`GET /media/\u00ff\u00fe HTTP/1.1\r\nhost: localhost\r\n\r\n`, 'latin1'),
    () => Buffer.from(`${head}content-length: 9999\r\n\r\n${body}`),
    () => Buffer.from(`${head}content-length: -1\r\n\r\n${body}`),
    () => Buffer.from(`${head}content-length: 3\r\n\r\n${body}`),
    () => Buffer.from(`${head}content-length: 26\r\ncontent-length: 3\r\n\r\n${body}`),
    () => Buffer.from(`${head}content-length: 26\r\ntransfer-encoding: chunked\r\n\r\n${body}`),
    () => Buffer.from(`${head}transfer-encoding: chunked\r\n\r\nzz\r\n${body}`),
    () => Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n1a\r\n${body}\r\n0\r\n\r\n`),
    () => Buffer.from(`${head}transfer-encoding: chunked\r\n\r\nffffffffff\r\n${body}`),
    () => Buffer.from(`${head}expect: 100-continue\r\ncontent-length: 26\r\n\r\n${body}`),
    () =>
      Buffer.from(`${head}upgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 26\r\n\r\n${body}`),
    () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    () => Buffer.from('CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n'),
    () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
  ])();
  return { kind: 'raw bytes', method: 'RAW', path: '', headers: {}, body: null, raw, leaveAfterMs: 60 };
}
