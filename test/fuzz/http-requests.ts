import type { Draw } from './draw.js';
import { EDGE_STRINGS } from './edge-values.js';
import { type FuzzRequest, JSON_TYPE, PREFLIGHT, STREAM } from './fuzz-request.js';

/** Every route by every method, and routes that do not exist. */
export function route(draw: Draw): FuzzRequest {
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

/** An ordinary query with an odd header. */
export function headers(draw: Draw): FuzzRequest {
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
export function rawBytes(draw: Draw): FuzzRequest {
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
