import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { MAX_STREAMS } from '../../src/http/graphql-stream.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { eventsOf, type StreamEvent } from '../support/event-stream.js';

let app: TestApp;
let http: FastifyInstance;
let address: string;

beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  address = await listen(http, '127.0.0.1', 0);
  app.trainingRunner.start();
});
afterAll(async () => {
  await http.close();
  await app.close();
});

const STREAM = { accept: 'text/event-stream', 'content-type': 'application/json' };

async function ask(query: string, variables: object = {}): Promise<Record<string, Record<string, unknown>>> {
  const response = await fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data: never; errors?: unknown };
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

function stream(query: string, variables: object = {}, init: RequestInit = {}): Promise<Response> {
  const body = JSON.stringify({ query, variables });
  return fetch(`${address}/graphql`, { method: 'POST', headers: STREAM, body, ...init });
}

async function all(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of eventsOf(response)) events.push(event);
  return events;
}

const TRAIN = `mutation ($input: TrainEncoderInput!) { trainEncoder(input: $input) { encoder { id state request { preset seed
  unseenClasses holdout epochs options activate } } errors { code field message } } }`;
const PROGRESS = `subscription ($id: ID!) { encoderProgress(id: $id) { id state failure { code } progress { stage done all epoch
  epochs losses { term value } validationMap discriminatorAccuracy pairsPerSecond secondsLeft } } }`;
const SEARCH = {
  query: { text: 'a red ring' },
  target: 'IMAGE',
  by: ['CONTENT'],
  filter: null,
  first: 1,
  after: null,
  minScore: null,
} as const;
const SMALL = { preset: 'PAPER', epochs: 2, holdout: 0.2, seed: 1, options: { tune: 'none' } };

async function train(input: object): Promise<string> {
  const { trainEncoder } = await ask(TRAIN, { input });
  expect(trainEncoder).toMatchObject({ encoder: { state: 'QUEUED' }, errors: [] });
  return (trainEncoder as { encoder: { id: string } }).encoder.id;
}

/** Watches a training until it ends; returns its states. */
async function follow(id: string): Promise<{ states: string[]; progress: Record<string, unknown>[] }> {
  const events = await all(await stream(PROGRESS, { id }));
  expect(events.at(-1)).toEqual({ event: 'complete', data: '' });
  const seen = events.slice(0, -1).map(({ event, data }) => {
    expect(event).toBe('next');
    const answer = JSON.parse(data) as { data: { encoderProgress: Record<string, unknown> } };
    return answer.data.encoderProgress;
  });
  return {
    states: [...new Set(seen.map(({ state }) => String(state)))],
    progress: seen.flatMap(({ progress }) =>
      progress === null ? [] : [progress as Record<string, unknown>],
    ),
  };
}

describe('versions of the encoder over GraphQL', () => {
  it('are trained in the background, watched, listed, activated, refused by the gate, and removed', async () => {
    const first = await train({
      ...SMALL,
      epochs: 40,
      unseenClasses: ['ring'],
      options: { members: 1, tune: 'none' },
    });
    const { states, progress } = await follow(first);
    // The first encoder is always activated when it is ready.
    expect(states.at(-1)).toBe('ACTIVE');
    expect(states).toContain('TRAINING');
    expect(progress.length).toBeGreaterThan(0);
    expect(await app.training.active()).toMatchObject({
      id: first,
      report: expect.not.objectContaining({ activating: true }),
    });

    const { encoder } = await ask(
      `query ($id: ID!) { encoder(id: $id) { id state dimension parts { kind share } imageExtractor textExtractor config pairs classes notes seconds
        request { preset seed unseenClasses holdout epochs options activate } promotion { against }
        seen { encoder { images texts i2tMap t2iMap recallAt1 recallAt10 } cca { i2tMap } chance { i2tMap } }
        unseen { encoder { images } } createdAt startedAt finishedAt activatedAt retiredAt } }`,
      { id: first },
    );
    expect(encoder).toMatchObject({
      state: 'ACTIVE',
      dimension: 64,
      parts: [{ kind: 'CODES', share: 1 }],
      pairs: 38,
      classes: 4,
      config: { preset: 'paper', epochs: 40, members: 1 },
      request: { preset: 'paper', seed: 1, unseenClasses: ['ring'], holdout: 0.2, activate: false },
      promotion: null,
      seen: { encoder: { images: 10, texts: 10 } },
      unseen: { encoder: { images: 12 } },
      retiredAt: null,
    });

    const { encoder: course } = await ask(
      'query ($id: ID!) { encoder(id: $id) { history { epoch losses { term value } validationMap discriminatorAccuracy pairsPerSecond } } }',
      { id: first },
    );
    const { history } = course as unknown as { history: { epoch: number; losses: { term: string }[] }[] };
    expect(history.map(({ epoch }) => epoch)).toEqual(history.map((_, i) => i + 1));
    expect(history.length).toBeGreaterThan(10);
    expect(history.at(-1)).toMatchObject({
      pairsPerSecond: expect.any(Number),
      discriminatorAccuracy: expect.any(Number),
    });
    expect(history[0]?.losses.map(({ term }) => term)).toContain('semantics');

    // With almost no weight on any term this encoder is worse.
    const weights = { semantics: 0, similarity: 1e-9, reconstruction: 0, adversary: 0 };
    const worse = await train({
      ...SMALL,
      activate: true,
      epochs: 1,
      options: { weights, learningRate: 1e-8, components: 1, dimension: 2 },
    });
    expect((await follow(worse)).states.at(-1)).toBe('READY');
    const decided = await ask('query ($id: ID!) { encoder(id: $id) { promotion { refusal } } }', {
      id: worse,
    });
    expect(decided).toMatchObject({ encoder: { promotion: { refusal: expect.any(String) } } });
    const activate = (id: string, force: boolean) =>
      ask(
        `mutation ($id: ID!, $force: Boolean) { activateEncoder(id: $id, force: $force) { encoder { id state promotion {
          against tolerance seen { pairs candidate active untrained } learntByActive refusal } } errors { code field message } } }`,
        { id, force },
      ).then((data) => data.activateEncoder);
    const refused = await activate(worse, false);
    expect(refused).toMatchObject({
      encoder: null,
      errors: [
        { code: 'BELOW_ACTIVE', field: ['id'], message: expect.stringMatching(/held-out pairs of seen/) },
      ],
    });
    const find = `query ($encoder: ID, $after: String) { crossModalSearch(query: { text: "a red ring" }, target: IMAGE, by: [CONTENT], first: 2,
      encoder: $encoder, after: $after) { encoderVersion edges { score cursor explanation { encoderVersion } } } }`;
    const found = async (encoder: string | null) => (await ask(find, { encoder })).crossModalSearch;
    const [usual, other] = [await found(null), await found(worse)];
    expect(usual).toMatchObject({ encoderVersion: first });
    expect(await found(first)).toEqual(usual);
    expect(other).toMatchObject({
      encoderVersion: worse,
      edges: [{ explanation: { encoderVersion: worse } }, { explanation: { encoderVersion: worse } }],
    });
    const failureOf = async (variables: object) => {
      const response = await fetch(`${address}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: find, variables }),
      });
      return ((await response.json()) as { errors: { extensions: object }[] }).errors[0]?.extensions;
    };
    // A cursor belongs to the ranking of one encoder.
    const [edge] = (other as unknown as { edges: { cursor: string }[] }).edges;
    expect(await failureOf({ encoder: first, after: edge?.cursor })).toMatchObject({ code: 'BAD_CURSOR' });
    expect(await activate(worse, true)).toMatchObject({
      encoder: {
        state: 'ACTIVE',
        promotion: { against: first, tolerance: 0.01, refusal: expect.stringMatching(/worse/) },
      },
      errors: [],
    });
    // Going back skips the gate.
    expect(await activate(first, false)).toMatchObject({ encoder: { id: first, state: 'ACTIVE' } });

    const { encoders } = await ask(
      '{ encoders(first: 1) { totalCount nodes { id state } pageInfo { hasNextPage endCursor } } }',
    );
    expect(encoders).toMatchObject({ totalCount: 2, nodes: [{ id: worse, state: 'RETIRED' }] });
    const after = (encoders as { pageInfo: { endCursor: string } }).pageInfo.endCursor;
    const { encoders: next } = await ask(
      'query ($after: String) { encoders(first: 1, after: $after) { nodes { id } } }',
      { after },
    );
    expect(next).toEqual({ nodes: [{ id: first }] });
    const { encoders: retired } = await ask('{ encoders(states: [RETIRED, QUEUED]) { totalCount } }');
    expect(retired).toEqual({ totalCount: 1 });

    const remove = (id: string) =>
      ask('mutation ($id: ID!) { deleteEncoder(id: $id) { deletedId errors { code } } }', { id });
    expect((await remove(first)).deleteEncoder).toMatchObject({ errors: [{ code: 'ENCODER_STATE' }] });
    // Searches that started with it may still be running.
    expect((await remove(worse)).deleteEncoder).toMatchObject({ errors: [{ code: 'ENCODER_STATE' }] });
    await app.catalog.database.runOnce(
      `UPDATE encoder SET retired_at = retired_at - interval '1 hour' WHERE id = $1`,
      [worse],
    );
    expect((await remove(worse)).deleteEncoder).toEqual({ deletedId: worse, errors: [] });
    expect(await app.encoders.byId(worse)).toBeNull();
    expect(await failureOf({ encoder: worse })).toMatchObject({
      code: 'ENCODER_NOT_FOUND',
      field: ['encoder'],
    });
  }, 600_000);

  it('are evaluated in the background', async () => {
    const id = await train({ ...SMALL, seed: 7, unseenClasses: ['ring'] });
    const evaluate = (of: string) =>
      ask(
        `mutation ($id: ID!) { evaluateEncoder(id: $id, paper: false) { evaluation { state encoder { id } startedAt finishedAt }
          errors { code field } } }`,
        { id: of },
      ).then((data) => data.evaluateEncoder);
    expect(await evaluate('unknown')).toMatchObject({
      errors: [{ code: 'ENCODER_NOT_FOUND', field: ['id'] }],
    });
    await follow(id);
    const ask1 = `query ($id: ID!) { evaluation(id: $id) { state failure { code message } evaluatedAt seconds sourcePairs sourceClasses
      interval { confidence resamples seed } harmonic { method avg { metric value low high } } notes
      seen { images texts classes i2tCounts { queries gallery withoutRelevant withoutCounterpart }
        methods { method i2t { metric value low high } t2i { metric } avg { metric } } curves { method direction recall precision }
        perClass { name seen images texts i2tAp t2iAp chance confusedWith { name share } } } unseen { images }
        classification { modality seen items amongAll { classes top1 } } } }`;
    expect((await ask(ask1, { id })).evaluation).toBeNull();
    expect(await evaluate(id)).toMatchObject({
      evaluation: { state: 'RUNNING', encoder: { id }, finishedAt: null },
      errors: [],
    });
    // A second request does not start it again.
    expect(await evaluate(id)).toMatchObject({ evaluation: { encoder: { id } }, errors: [] });
    await expect
      .poll(async () => (await ask(ask1, { id })).evaluation, { timeout: 300_000, interval: 500 })
      .not.toMatchObject({ state: 'RUNNING' });
    const { evaluation } = await ask(ask1, { id });
    expect(evaluation).toMatchObject({
      state: 'DONE',
      failure: null,
      sourcePairs: 38,
      sourceClasses: 4,
      interval: { confidence: 0.95 },
      classification: expect.arrayContaining([
        { modality: 'IMAGE', seen: true, items: 10, amongAll: { classes: 5, top1: expect.any(Number) } },
      ]),
      seen: {
        images: 10,
        i2tCounts: { queries: 10, gallery: 10 },
        methods: expect.arrayContaining([
          expect.objectContaining({ method: 'MASLN' }),
          expect.objectContaining({ method: 'CCA' }),
          expect.objectContaining({ method: 'CHANCE' }),
        ]),
        curves: expect.arrayContaining([expect.objectContaining({ method: 'MASLN', direction: 'T2I' })]),
        perClass: expect.arrayContaining([
          expect.objectContaining({
            seen: true,
            confusedWith: expect.arrayContaining([{ name: expect.any(String), share: expect.any(Number) }]),
          }),
        ]),
      },
      unseen: { images: 12 },
    });
  }, 600_000);

  it('can be cancelled while they are trained, and resumed', async () => {
    const id = await train({ ...SMALL, epochs: 10_000 });
    const stop = new AbortController();
    let latest: Record<string, unknown> | null = null;
    for await (const { data } of eventsOf(await stream(PROGRESS, { id }, { signal: stop.signal }))) {
      const { encoderProgress } = (
        JSON.parse(data) as { data: { encoderProgress: { progress: Record<string, unknown> | null } } }
      ).data;
      latest = encoderProgress.progress;
      if (Number(latest?.epoch ?? 0) > 0) break;
    }
    expect(latest).toMatchObject({
      stage: 'TRAIN',
      all: 10_000,
      epochs: 10_000,
      losses: expect.arrayContaining([{ term: 'semantics', value: expect.any(Number) }]),
      discriminatorAccuracy: expect.any(Number),
      pairsPerSecond: expect.any(Number),
      secondsLeft: expect.any(Number),
    });
    stop.abort();
    const cancel = `mutation ($id: ID!) { cancelTraining(id: $id) { encoder { state } errors { code } } }`;
    expect((await ask(cancel, { id })).cancelTraining).toEqual({
      encoder: { state: 'CANCELLED' },
      errors: [],
    });
    expect((await ask(cancel, { id })).cancelTraining).toMatchObject({ errors: [{ code: 'ENCODER_STATE' }] });
    await expect(
      app.search.search({ ...SEARCH, encoder: id }),
      'a version without embeddings',
    ).rejects.toMatchObject({ code: 'ENCODER_STATE', field: ['encoder'] });
    const resume = `mutation ($id: ID!) { resumeTraining(id: $id) { encoder { state } errors { code } } }`;
    expect((await ask(resume, { id })).resumeTraining).toMatchObject({ errors: [] });
    expect((await ask(resume, { id })).resumeTraining).toMatchObject({ errors: [{ code: 'ENCODER_STATE' }] });
    expect((await ask(cancel, { id })).cancelTraining).toMatchObject({ errors: [] });
  }, 600_000);

  it('are not queued for an invalid request, whose errors name the field', async () => {
    const before = await app.catalog.encoders.count(null);
    const errorsOf = async (input: object) => (await ask(TRAIN, { input })).trainEncoder;
    expect(await errorsOf({ holdout: 1 })).toMatchObject({
      encoder: null,
      errors: [{ code: 'BAD_INPUT', field: ['input', 'holdout'] }],
    });
    expect(await errorsOf({ unseenClasses: ['nope'] })).toMatchObject({
      errors: [{ code: 'UNKNOWN_CLASS', field: ['input', 'unseenClasses'] }],
    });
    expect(await errorsOf({ freeze: 'IMAGE' })).toMatchObject({
      errors: [{ code: 'BAD_INPUT', field: ['input', 'from'] }],
    });
    expect(await errorsOf({ options: { clip: 0 } })).toMatchObject({
      errors: [{ code: 'BAD_INPUT', field: ['input', 'options', 'clip'] }],
    });
    const unknown = { id: '00000000-0000-7000-8000-000000000000' };
    for (const field of ['cancelTraining', 'resumeTraining', 'activateEncoder'] as const) {
      const answer = await ask(
        `mutation ($id: ID!) { ${field}(id: $id) { encoder { id } errors { code field } } }`,
        unknown,
      );
      expect(answer[field]).toEqual({
        encoder: null,
        errors: [{ code: 'ENCODER_NOT_FOUND', field: ['id'] }],
      });
    }
    expect(await app.catalog.encoders.count(null)).toBe(before);
  });
});

describe('GraphQL over server-sent events', () => {
  it('answers queries and mutations once, by POST and by GET', async () => {
    const once = await all(await stream('query Q($f: Int) { items(first: $f) { totalCount } }', { f: 1 }));
    expect(once).toEqual([
      {
        event: 'next',
        data: '{"data":{"items":{"totalCount":120}},"extensions":{"cost":{"requested":52,"limit":20000}}}',
      },
      { event: 'complete', data: '' },
    ]);
    const parameters = new URLSearchParams({
      query: 'query A { classes { totalCount } } query B($f: Int) { items(first: $f) { totalCount } }',
      operationName: 'B',
      variables: '{"f": 2}',
    });
    // The headers of an EventSource on a page of this server.
    const sameOrigin = { accept: 'text/event-stream', 'sec-fetch-site': 'same-origin' };
    const got = await fetch(`${address}/graphql?${parameters}`, { headers: sameOrigin });
    expect(got.headers.get('content-type')).toMatch('text/event-stream');
    expect(await all(got)).toEqual(once);
  });

  it('refuses mutations by GET, and requests without an operation', async () => {
    const get = (parameters: Record<string, string>) =>
      fetch(`${address}/graphql?${new URLSearchParams(parameters)}`, {
        headers: { accept: 'text/event-stream', 'apollo-require-preflight': 'true' },
      });
    const mutation = await get({ query: 'mutation { deleteItems(ids: []) { deletedIds } }' });
    expect([mutation.status, mutation.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await get({})).status).toBe(400);
    expect((await get({ query: '{ a }', variables: '{' })).status).toBe(400);
    for (const body of ['[]', 'null', '{}', '{"query": "{ a }", "variables": 1}']) {
      expect((await stream('{ a }', {}, { body })).status).toBe(400);
    }
  });

  it('refuses requests that a page of another site can send', async () => {
    const query = '{ items { totalCount } }';
    const accept = 'text/event-stream';
    const url = `${address}/graphql?${new URLSearchParams({ query })}`;
    const crossSite = await fetch(url, { headers: { accept, 'sec-fetch-site': 'cross-site' } });
    const post = await stream(
      query,
      {},
      { headers: { accept, 'content-type': 'text/plain; application/json' } },
    );
    expect(crossSite.status).toBe(403);
    expect(await crossSite.json()).toMatchObject({ error: { code: 'CROSS_SITE_REQUEST' } });
    for (const response of [await fetch(url, { headers: { accept } }), post]) {
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'BAD_INPUT', field: ['content-type'] } });
    }
  });

  it('masks unexpected errors, which are logged unmasked', async () => {
    const lines: string[] = [];
    const other = await createApp({
      services: app,
      logger: pino({ level: 'error' }, { write: (line: string) => void lines.push(line) }),
      apiKeys: [],
      loopback: true,
    });
    const byId = vi.spyOn(app.items, 'byId').mockRejectedValue(new Error('a secret of the inside'));
    try {
      const { body, headers } = await other.inject({
        method: 'POST',
        url: '/graphql',
        headers: { ...STREAM, host: 'localhost' },
        payload: { query: '{ item(id: "00000000-0000-7000-8000-000000000000") { id } }' },
      });
      expect(headers['cache-control']).toMatch('no-store');
      expect(body).toContain('"code":"INTERNAL"');
      expect(body).not.toContain('secret');
      expect(lines.join('')).toContain('a secret of the inside');
    } finally {
      byId.mockRestore();
      await other.close();
    }
  });

  it(`refuses more than ${MAX_STREAMS} streams at a time`, async () => {
    const stop = new AbortController();
    const id = await train({ ...SMALL, epochs: 10_000 });
    const open = await Promise.all(
      Array.from({ length: MAX_STREAMS }, () => stream(PROGRESS, { id }, { signal: stop.signal })),
    );
    expect(new Set(open.map(({ status }) => status))).toEqual(new Set([200]));
    const refused = await stream(PROGRESS, { id });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'BUSY' } });
    stop.abort();
    await vi.waitFor(async () => expect((await stream('{ items { totalCount } }')).status).toBe(200), 10_000);
    await ask('mutation ($id: ID!) { cancelTraining(id: $id) { errors { code } } }', { id });
  });

  it('returns errors as single answers do, with the same limits', async () => {
    const codeOf = async (query: string) => {
      const [next, complete] = await all(await stream(query));
      expect(complete?.event).toBe('complete');
      return (JSON.parse(next?.data ?? '') as { errors: { extensions: { code: string } }[] }).errors[0]
        ?.extensions.code;
    };
    expect(await codeOf('{')).toBe('GRAPHQL_PARSE_FAILED');
    expect(await codeOf('{ nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await codeOf('{ items(first: 0) { totalCount } }')).toBe('BAD_INPUT');
    expect(await codeOf('subscription { encoderProgress(id: "nobody") { id } }')).toBe('ENCODER_NOT_FOUND');
    const deep = `{ items { nodes ${'{ counterparts '.repeat(13)} { id } ${'}'.repeat(14)} }`;
    expect(await codeOf(deep)).toBe('QUERY_TOO_DEEP');
  });

  it('applies the access rules', async () => {
    const guarded = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: ['a-key-of-sixteen-characters'],
      loopback: true,
    });
    const where = await listen(guarded, '127.0.0.1', 0);
    const query = new URLSearchParams({ query: '{ items { totalCount } }' });
    const get = (headers: Record<string, string>) =>
      fetch(`${where}/graphql?${query}`, { headers: { ...STREAM, ...headers } });
    expect((await get({})).status).toBe(401);
    expect((await get({ authorization: 'Bearer a-key-of-sixteen-characters' })).status).toBe(200);
    await guarded.close();
  });

  it('does not keep the server from stopping', async () => {
    const other = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
    });
    const where = await listen(other, '127.0.0.1', 0);
    const row = await app.catalog.encoderRuns.enqueue({
      id: '00000000-0000-7000-8000-00000000000f',
      imageExtractor: 'another',
      textExtractor: 'another',
      request: { ...QUICK },
    });
    // Claimed, so that the idle runner of the server does not end it meanwhile.
    expect((await app.catalog.encoderRuns.claim())?.row.id).toBe(row.id);
    const response = await fetch(`${where}/graphql`, {
      method: 'POST',
      headers: STREAM,
      body: JSON.stringify({ query: PROGRESS, variables: { id: row.id } }),
    });
    const events = eventsOf(response);
    expect((await events.next()).value).toMatchObject({ event: 'next' });
    const rest = (async () => {
      const left: StreamEvent[] = [];
      for await (const event of events) left.push(event);
      return left;
    })();
    await other.close();
    // The stream is cut off without `complete`, so the caller knows to subscribe again.
    expect((await rest).map(({ event }) => event)).not.toContain('complete');
    await app.training.cancel(row.id).catch(() => {});
  });
});
