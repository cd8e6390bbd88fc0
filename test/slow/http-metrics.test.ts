import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

let app: TestApp;
let http: FastifyInstance;
beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
  await app.training.train(QUICK);
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
});
afterAll(async () => {
  await http.close();
  await app.close();
});

const ask = (query: string) =>
  http.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
    payload: { query },
  });

/** The value of each sample, e.g. `commonspace_items{modality="IMAGE"}` → 60. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const { body, headers, statusCode } = await http.inject({ url: '/metrics' });
  expect(statusCode).toBe(200);
  expect(headers['content-type']).toContain('text/plain');
  expect(headers['cache-control']).toBe('no-store');
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

describe('/metrics', () => {
  it('has durations of requests, operations and stages, errors, and lookups in caches', async () => {
    const before = await scrape();
    const text = `a circle ${Math.random()}`;
    for (const _ of [1, 2])
      await ask(`{ crossModalSearch(query: {text: "${text}"}, target: IMAGE) { nodes { id } } }`);
    await ask('{ crossModalSearch(query: {itemId: "none"}, target: IMAGE) { nodes { id } } }');
    await ask('mutation { createClass(name: "measured") { errors { code } } }');
    const bytes = (await drawShape('ring', 'purple')).toString('base64');
    await ask(`{ classify(query: {imageBase64: "${bytes}"}) { probability } }`);
    const after = await scrape();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const count = (name: string, labels: string) => grown(`commonspace_${name}_count{${labels}}`);
    expect(count('http_request_seconds', 'method="POST",route="/graphql",status="200"')).toBe(5);
    expect(count('operation_seconds', 'field="Query.crossModalSearch"')).toBe(3);
    expect(count('operation_seconds', 'field="Query.classify"')).toBe(1);
    expect(count('operation_seconds', 'field="Mutation.createClass"')).toBe(1);
    const stage = (name: string, operation: string) =>
      count('stage_seconds', `stage="${name}",operation="Query.${operation}"`);
    expect(stage('rank', 'crossModalSearch')).toBe(2);
    expect(stage('encode', 'crossModalSearch')).toBe(2);
    expect(stage('extract', 'crossModalSearch')).toBe(1);
    expect(stage('sql', 'crossModalSearch')).toBeGreaterThan(5);
    expect(stage('decode', 'classify')).toBeGreaterThan(0);
    expect(stage('extract', 'classify')).toBeGreaterThan(0);
    expect(grown('commonspace_errors_total{code="ITEM_NOT_FOUND"}')).toBe(1);
    expect(grown('commonspace_cache_lookups_total{cache="query texts",result="miss"}')).toBe(1);
    expect(grown('commonspace_cache_lookups_total{cache="encoders",result="hit"}')).toBeGreaterThan(1);
    expect(grown('commonspace_cache_lookups_total{cache="query texts",result="hit"}')).toBe(1);
  });

  it('counts refusals by reason', async () => {
    const before = await scrape();
    const deep = '{ items { nodes '.concat('{ counterparts '.repeat(12), '{ id }', ' }'.repeat(12), ' } }');
    await ask(deep);
    const costly = Array.from({ length: 300 }, (_, i) => `a${i}: facets { modalities { modality } }`);
    await ask(`{ ${costly.join(' ')} }`);
    await http.inject({
      url: '/graphql',
      method: 'POST',
      payload: {},
      headers: { origin: 'https://other.example' },
    });
    const after = await scrape();
    for (const reason of ['operation_depth', 'operation_cost', 'cross_site']) {
      const name = `commonspace_refusals_total{reason="${reason}"}`;
      expect((after.get(name) ?? 0) - (before.get(name) ?? 0)).toBe(1);
    }
  });

  it('has the state of the catalogue, of the pool and of the process', async () => {
    const values = await scrape();
    expect(values.get('commonspace_items{modality="IMAGE"}')).toBe(60);
    expect(values.get('commonspace_items{modality="TEXT"}')).toBe(60);
    expect(values.get('commonspace_encoders{state="active"}')).toBe(1);
    expect(values.get('commonspace_jobs{kind="TRAINING",state="succeeded"}')).toBe(1);
    expect(values.get('commonspace_vector_indexes{state="missing"}')).toBe(0);
    expect(values.get('commonspace_encoder_map{classes="seen"}')).toBeGreaterThan(0);
    expect(values.get('commonspace_encoder_activated_timestamp_seconds')).toBeGreaterThan(1.7e9);
    expect(values.get('commonspace_database_connections{state="idle"}')).toBeGreaterThanOrEqual(0);
    for (const what of [
      'connection',
      'query_extractor',
      'batch_extractor',
      'decoder',
      'picture_memory',
      'request_body',
    ])
      expect(values.get(`commonspace_waiting{for="${what}"}`)).toBe(0);
    expect(values.get('commonspace_streams')).toBe(0);
    expect(values.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(values.has('nodejs_eventloop_lag_seconds')).toBe(true);
  });

  it('names no path, text or id: labels have few values', async () => {
    await http.inject({ url: '/secret/path?text=private' });
    await http.inject({ url: `/media/${'a'.repeat(64)}` });
    const { body } = await http.inject({ url: '/metrics' });
    expect(body).not.toMatch(/secret|private|aaaa/);
    expect(body).toContain('route="/media/:id",status="404"');
  });

  it('needs a key where there are keys', async () => {
    const guarded = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: ['a-key-of-enough-length'],
      loopback: true,
    });
    expect((await guarded.inject({ url: '/metrics' })).statusCode).toBe(401);
    const headers = { authorization: 'Bearer a-key-of-enough-length' };
    expect((await guarded.inject({ url: '/metrics', headers })).statusCode).toBe(200);
    await guarded.close();
  });
});
