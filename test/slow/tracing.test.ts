import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, printed, startCli } from '../support/cli.js';

/** A value of an attribute as JSON, e.g. `{ "stringValue": "x" }`. */
interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly Attribute[];
}
/** What the exporter sends. */
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly Span[];
    }[];
  }[];
}

const SECRET = 'secret';
const QUERY = `query Find($text: String!) {
  items(first: 3, filter: {metadata: {a: "${SECRET}"}}) { nodes { id } }
  crossModalSearch(query: {text: $text}, target: TEXT, by: [LEXICAL]) { nodes { id } }
}`;

let data: string;
/** What the server logged. */
let log = '';
const received: Export[] = [];
/** The paths that the exporter sent to. */
const paths = new Set<string>();
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    paths.add(request.url ?? '');
    received.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.end('{}');
  });
});
const spans = () =>
  received.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans: all }) =>
        all.map((span) => ({
          ...span,
          scope: scope.name.replace('@opentelemetry/instrumentation-', ''),
          attributes: Object.fromEntries(
            span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
          ),
        })),
      ),
    ),
  );

/** Asks a server in a process of its own, and stops it in good order. */
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'commonspace-tracing-'));
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const server = startCli(['serve', '--data', data, '--port', '0'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'the catalogue',
    COMMONSPACE_LOG_LEVEL: 'info',
  });
  server.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(await printed(server, /stop it with Ctrl-C/))?.[0] ?? '';
  const post = async (accept: string, id: string) => {
    const answer = await fetch(`${address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, 'x-request-id': id },
      body: JSON.stringify({ query: QUERY, variables: { text: `${SECRET} words` } }),
    });
    expect(await answer.text()).toContain('"crossModalSearch":{"nodes":[]}');
  };
  await post('application/json', 'single-1');
  await post('text/event-stream', 'stream-1');
  const headers = { 'apollo-require-preflight': '1' };
  await fetch(`${address}/graphql?query=${encodeURIComponent('{__typename}')}&x=${SECRET}`, { headers });
  await fetch(`${address}/media/${'a'.repeat(64)}?signature=${SECRET}`);
  await fetch(`${address}/healthz`);
  const ended = once(server, 'close');
  server.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});
afterAll(async () => {
  collector.close();
  await rm(data, { recursive: true, force: true });
});

describe('traces over OTLP', () => {
  it.each(['single-1', 'stream-1'])('connect a request, its operation and its statements (%s)', (id) => {
    const root = spans().find((span) => span.attributes['commonspace.request_id'] === id);
    expect(root).toMatchObject({
      scope: 'http',
      name: 'POST /graphql',
      attributes: { 'http.route': '/graphql', 'http.response.status_code': 200 },
    });
    expect(root?.parentSpanId).toBeUndefined();
    const trace = spans().filter(({ traceId }) => traceId === root?.traceId);
    const ids = new Set(trace.map(({ spanId }) => spanId));
    expect(
      trace.every(
        (span) => span === root || span.spanId === root?.spanId || ids.has(span.parentSpanId ?? ''),
      ),
    ).toBe(true);
    const names = trace.map(({ scope, name }) => `${scope}: ${name}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'graphql: graphql.parse',
        'graphql: graphql.validate',
        'graphql: query Find',
        'graphql: graphql.resolve items',
        'graphql: graphql.resolve crossModalSearch',
      ]),
    );
    expect(names.filter((name) => name.startsWith('pg: pg.query')).length).toBeGreaterThan(3);
    // One span for each root field, and none for the fields below.
    expect(names.filter((name) => name.includes('graphql.resolve'))).toHaveLength(2);
    const line = log.split('\n').find((one) => one.includes(id) && one.includes('"msg":"request"')) ?? '{}';
    expect(JSON.parse(line).traceId).toBe(root?.traceId);
  });

  it('name the service, and go to the path of traces alone', () => {
    expect([...paths]).toEqual(['/v1/traces']);
    const names = received.flatMap(({ resourceSpans }) =>
      resourceSpans.map(
        ({ resource }) => resource.attributes.find(({ key }) => key === 'service.name')?.value,
      ),
    );
    expect(new Set(names.map((name) => name?.stringValue))).toEqual(new Set(['the catalogue']));
  });

  it('have no text of a caller, no id of a picture in a name, and no checks of the status', () => {
    const all = spans();
    expect(all.length).toBeGreaterThan(10);
    expect(JSON.stringify(all)).not.toContain(SECRET);
    const names = all.filter(({ scope }) => scope === 'http').map(({ name }) => name);
    expect(names.toSorted()).toEqual(['GET /graphql', 'GET /media/:id', 'POST /graphql', 'POST /graphql']);
  });
});

it('are refused without the packages, with the command that installs them', async () => {
  const hook = new URL('../support/no-tracing-packages.mjs', import.meta.url).href;
  const run = await cli(['serve', '--data', data, '--port', '0', '--json'], {
    NODE_OPTIONS: `--import ${hook}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  });
  expect(run.code).toBe(2);
  expect(run.json()).toMatchObject({
    error: {
      code: 'PACKAGE_MISSING',
      message: expect.stringMatching(/npm install @opentelemetry\/sdk-node .*instrumentation-graphql$/),
      field: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    },
  });
});
