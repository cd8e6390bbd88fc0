import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { buildSchema } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

interface Answer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly {
    message: string;
    path?: unknown;
    extensions: { code: string; field?: string[] };
  }[];
}

let app: TestApp;
let http: FastifyInstance;
let address: string;
const log: Record<string, unknown>[] = [];

beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
  await app.training.train(QUICK);
  const logger = pino({ level: 'error' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  http = await createApp({ services: app, logger, apiKeys: [], loopback: true });
  address = await listen(http, '127.0.0.1', 0);
});
afterAll(async () => {
  // A response that a test did not read keeps its connection busy until the timeout of keep-alive.
  http.server.closeAllConnections();
  await http.close();
  await app.close();
});

async function ask(query: string, variables: object = {}): Promise<Answer> {
  const response = await fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}

describe('GraphQL over HTTP', () => {
  it('creates a class by its name, which all queries find immediately', async () => {
    const made = await ask(`mutation { createClass(name: "blob", description: "a big blue circle") {
      class { name seen itemCount } errors { code } } }`);
    expect(made.data?.createClass).toEqual({
      class: { name: 'blob', seen: false, itemCount: 0 },
      errors: [],
    });
    const answer = await ask(`{
      classes(seen: false) { nodes { name } }
      classify(query: {text: "a big blue circle"}, first: 100) { class { name } probability similarity }
      crossModalSearch(query: {className: "blob"}, target: IMAGE, first: 2) { nodes { id } } }`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({ classes: { nodes: [{ name: 'blob' }] } });
    const { classify, crossModalSearch } = answer.data ?? {};
    const scores = classify as { class: { name: string }; probability: number }[];
    expect(scores.map((score) => score.class.name)).toContain('blob');
    expect(crossModalSearch).toMatchObject({ nodes: [{}, {}] });
    const unknown = await ask('{ crossModalSearch(query: {className: "nope"}) { nodes { id } } }');
    expect(unknown.errors?.[0]?.extensions).toMatchObject({
      code: 'UNKNOWN_CLASS',
      field: ['query', 'className'],
    });
  });

  it('explains an edge if the field is selected', async () => {
    const answer =
      await ask(`{ crossModalSearch(query: {text: "a big red circle"}, target: IMAGE, first: 3, by: [CONTENT]) {
      encoderVersion edges { score explanation { encoderVersion similarity
        classes { class { name } querySimilarity itemSimilarity }
        pairs { image { id title } text { text } querySimilarity itemSimilarity } } } } }`);
    expect(answer.errors).toBeUndefined();
    const found = answer.data?.crossModalSearch as {
      encoderVersion: string;
      edges: {
        score: number;
        explanation: { encoderVersion: string; similarity: number; pairs: object[] };
      }[];
    };
    expect(found.edges).toHaveLength(3);
    for (const { score, explanation } of found.edges) {
      expect(explanation.encoderVersion).toBe(found.encoderVersion);
      expect(explanation.similarity).toBeCloseTo(score, 5);
      expect(explanation.pairs).toHaveLength(3);
    }
  });

  it('returns the classification accuracy and the thresholds of an encoder', async () => {
    const answer = await ask(`{ encoders { nodes { classification { modality seen items majority harmonicMean
      amongAll { classes top1 top5 chance1 chance5 } amongOwn { classes top1 } }
      cutOffs { evidence query target threshold wrongCut rightKept wrongPairs rightPairs } } } }`);
    expect(answer.errors).toBeUndefined();
    expect(answer.data?.encoders).toMatchObject({
      nodes: [
        {
          classification: [
            { modality: 'IMAGE', seen: true, items: 12, amongAll: { chance5: 1 }, harmonicMean: null },
            { modality: 'TEXT', seen: true, items: 12 },
          ],
          cutOffs: [],
        },
      ],
    });
  });

  it('refuses cutOff: AUTO without a calibrated threshold', async () => {
    const answer = await ask(
      '{ crossModalSearch(query: {text: "x"}, target: IMAGE, by: [CONTENT], cutOff: AUTO) { nodes { id } } }',
    );
    // There are too few held-out pairs to calibrate a threshold.
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'NOT_CALIBRATED', field: ['cutOff'] });
  });

  it('searches, with all fields of an edge and of an item', async () => {
    const answer = await ask(`{ crossModalSearch(query: {text: "a big red circle"}, target: IMAGE, first: 2) {
      mode encoderVersion pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor rank score evidence { evidence rank similarity } node {
        __typename id modality externalId title metadata createdAt classes { name seen itemCount(modality: IMAGE) }
        counterparts { __typename ... on TextItem { text } }
        ... on ImageItem { url small: url(width: 32) mediaType width height sha256 } } }
      nodes { id } } }`);
    expect(answer.errors).toBeUndefined();
    const connection = answer.data?.crossModalSearch as { edges: { node: { url: string; small: string } }[] };
    expect(connection).toMatchObject({
      mode: 'EXACT',
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
      edges: [
        {
          rank: 1,
          node: {
            __typename: 'ImageItem',
            externalId: 'big-red-circle.png',
            classes: [{ name: 'circle', seen: true, itemCount: 12 }],
            counterparts: [{ __typename: 'TextItem', text: 'a big red circle' }],
            mediaType: 'image/png',
          },
        },
        { rank: 2 },
      ],
    });
    const { url, small } = connection.edges[0]?.node ?? { url: '', small: '' };
    for (const [path, type] of [
      [url, 'image/png'],
      [small, /^image\/(webp|png)$/],
    ] as const) {
      const picture = await fetch(address + path);
      expect(picture.status).toBe(200);
      expect(picture.headers.get('content-type')).toMatch(type);
      expect(picture.headers.get('cache-control')).toMatch(/max-age=31536000, immutable/);
      expect(picture.headers.get('x-content-type-options')).toBe('nosniff');
      const again = await fetch(address + path, {
        headers: { 'if-none-match': picture.headers.get('etag') ?? '' },
      });
      expect(again.status).toBe(304);
    }
  });

  it('forbids caching of answers', async () => {
    const response = await fetch(`${address}/graphql?query=%7B__typename%7D`, {
      headers: { 'apollo-require-preflight': 'true' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('reads nodes, items and classes in pages', async () => {
    const first = await ask(
      '{ items(first: 2, filter: {classNames: ["ring"]}) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } classes(first: 2, seen: true) { totalCount nodes { id name } pageInfo { endCursor } } }',
    );
    const { items, classes } = first.data as {
      items: { totalCount: number; nodes: { id: string }[]; pageInfo: { endCursor: string } };
      classes: { totalCount: number; nodes: { id: string; name: string }[]; pageInfo: { endCursor: string } };
    };
    expect([items.totalCount, classes.totalCount]).toEqual([24, 5]);
    const next = await ask(
      `query($id: ID!, $class: ID!, $i: String, $c: String) { item(id: $id) { id } node(id: $class) { ... on Class { name } }
        byKey: item(externalId: "big-red-circle.txt") { ... on TextItem { text language } } none: item(externalId: "no such")
        { id } nothing: node(id: "nonsense") { id }
        items(first: 2, after: $i, filter: {classNames: ["ring"]}) { nodes { id } pageInfo { hasPreviousPage } } classes(first: 2, seen: true, after: $c) { nodes { name } } }`,
      {
        id: items.nodes[0]?.id,
        class: classes.nodes[0]?.id,
        i: items.pageInfo.endCursor,
        c: classes.pageInfo.endCursor,
      },
    );
    expect(next.errors).toBeUndefined();
    expect(next.data).toMatchObject({
      item: { id: items.nodes[0]?.id },
      node: { name: 'circle' },
      byKey: { text: 'a big red circle', language: null },
      none: null,
      nothing: null,
      items: { pageInfo: { hasPreviousPage: true } },
      classes: { nodes: [{ name: 'ring' }, { name: 'square' }] },
    });
  });

  it('ingests uploads and texts, with one result for each input in order', async () => {
    const png = await drawShape('ring', 'black', 18);
    const upload = await fetch(`${address}/media`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: png,
    });
    expect(upload.status).toBe(201);
    const { id } = (await upload.json()) as { id: string };
    const form = new FormData();
    form.append('file', new Blob([png], { type: 'image/png' }), 'ring.png');
    const multipart = (await (await fetch(`${address}/media`, { method: 'POST', body: form })).json()) as {
      id: string;
    };
    expect(multipart.id).toBe(id);
    const answer = await ask(
      `mutation($items: [IngestItemInput!]!) { ingest(input: {items: $items}) { created updated unchanged failed
        results { index status item { id externalId } error { code field } } } }`,
      {
        items: [
          { content: { mediaId: id }, externalId: 'up.png', classes: ['ring'] },
          { content: { text: '' }, externalId: 'bad' },
          { content: { text: 'a caption' }, externalId: 'up.txt' },
        ],
      },
    );
    expect(answer.data?.ingest).toMatchObject({
      created: 2,
      updated: 0,
      unchanged: 0,
      failed: 1,
      results: [
        { index: 0, status: 'CREATED', item: { externalId: 'up.png' }, error: null },
        {
          index: 1,
          status: 'FAILED',
          item: null,
          error: { code: 'EMPTY_TEXT', field: ['input', 'items', '1', 'content', 'text'] },
        },
        { index: 2, status: 'CREATED', item: { externalId: 'up.txt' }, error: null },
      ],
    });
    const { results } = (answer.data?.ingest ?? { results: [] }) as {
      results: { item: { id: string } | null }[];
    };
    const ids = results.flatMap(({ item }) => (item ? [item.id] : []));
    const gone = await ask(
      'mutation($ids: [ID!]!) { deleteItems(ids: $ids) { deletedIds errors { code field } } }',
      { ids: [...ids, 'x'] },
    );
    expect(gone.data?.deleteItems).toEqual({
      deletedIds: ids,
      errors: [{ code: 'ITEM_NOT_FOUND', field: ['ids', '2'] }],
    });
  });

  it('creates classes, and classifies a query among them', async () => {
    const made = await ask(
      'mutation { a: createClass(name: "star", description: "five points") { class { name seen itemCount } errors { code } } b: createClass(name: "star") { class { name } errors { code field } } }',
    );
    expect(made.data).toEqual({
      a: { class: { name: 'star', seen: false, itemCount: 0 }, errors: [] },
      b: { class: null, errors: [{ code: 'CLASS_EXISTS', field: ['name'] }] },
    });
    const scores = await ask(
      '{ classify(query: {text: "a big green square"}, among: ["square", "star"]) { class { name } probability similarity } }',
    );
    expect(scores.data?.classify).toMatchObject([{ class: { name: 'square' } }, { class: { name: 'star' } }]);
  });

  it.each([
    ['{ items(first: 1000) { nodes { id } } }', 'BAD_INPUT', ['first']],
    ['{ items(filter: {classNames: ["nope"]}) { nodes { id } } }', 'UNKNOWN_CLASS', ['filter', 'classNames']],
    [
      '{ crossModalSearch(query: {vector: [1, 2]}) { nodes { id } } }',
      'WRONG_DIMENSION',
      ['query', 'vector'],
    ],
    ['{ crossModalSearch(query: {text: "x"}, after: "eA") { nodes { id } } }', 'BAD_CURSOR', ['after']],
    ['{ item { id } }', 'BAD_INPUT', ['id']],
  ])('returns a code and the field for %s', async (query, code, field) => {
    const { errors } = await ask(query);
    expect(errors?.[0]?.extensions).toEqual({ code, field });
  });

  const nested = `{ items { nodes ${'{ counterparts '.repeat(14)}{ id }${' }'.repeat(14)} } }`;
  const aliases = Array.from(
    { length: 90 },
    (_, i) => `a${i}: items(first: 100) { nodes { id title metadata } }`,
  );
  it.each([
    ['an unknown field', '{ nonsense }', 'GRAPHQL_VALIDATION_FAILED'],
    ['invalid GraphQL', '{ items {', 'GRAPHQL_PARSE_FAILED'],
    [
      'a query input with two fields',
      '{ crossModalSearch(query: {text: "x", itemId: "y"}) { nodes { id } } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['deep nesting', nested, 'QUERY_TOO_DEEP'],
    ['many aliases', `{ ${aliases.join(' ')} }`, 'QUERY_TOO_COSTLY'],
    ['a document with too many tokens', `{ ${'id '.repeat(5000)} }`, 'GRAPHQL_PARSE_FAILED'],
  ])('refuses %s before execution', async (_what, query, code) => {
    const { errors } = await ask(query);
    expect(errors?.map(({ extensions }) => extensions.code)).toContain(code);
  });

  it('masks unexpected errors, which are logged unmasked', async () => {
    const broken = app.items.byId;
    app.items.byId = () => Promise.reject(new Error('an internal secret'));
    try {
      const answer = await ask('{ item(id: "00000000-0000-7000-8000-000000000000") { id } }');
      expect(JSON.stringify(answer)).not.toContain('secret');
      expect(answer.errors?.[0]?.extensions.code).toBe('INTERNAL');
      expect(JSON.stringify(log)).toContain('an internal secret');
    } finally {
      app.items.byId = broken;
    }
  });

  it('refuses a request that a form of another site can send', async () => {
    const response = await fetch(`${address}/graphql?query={__typename}`);
    expect(response.status).toBe(400);
  });
});

describe('the map', () => {
  interface Points {
    readonly count: number;
    readonly ids: string;
    readonly positions: string;
    readonly modalities: string;
    readonly classes: string;
    readonly endCursor: string | null;
  }
  const POINTS = 'count ids positions modalities classes endCursor';
  const points = async (args: string) =>
    (await ask(`{ mapPoints(${args}) { ${POINTS} } }`)).data?.mapPoints as Points;
  const bytes = (text: string) => Buffer.from(text, 'base64');

  beforeAll(async () => {
    app.jobRunner.start(1);
    const state = await app.map.state(null);
    await app.map.begin(state?.encoderId ?? '', { name: 'test', keyId: null });
    const done = async () => expect((await app.map.state(null))?.job).toBeNull();
    await vi.waitFor(done, { timeout: 60_000, interval: 100 });
  });

  it('is computed by a job, and then read by the page', async () => {
    await app.catalog.database.run('DELETE FROM vectors.projection');
    const before = await ask(`{ spaceMap { encoderVersion layout computedAt job { id } bounds { left } } }`);
    expect(before.data?.spaceMap).toMatchObject({ layout: null, computedAt: null, job: null, bounds: null });
    expect((await ask('{ mapPoints { count } }')).errors?.[0]?.extensions.code).toBe('NO_MAP');
    const { encoderVersion: id } = (before.data ?? {}).spaceMap as { encoderVersion: string };
    const begin = `mutation { projectEncoder(id: "${id}") { job { id kind } errors { code } } }`;
    const first = (await ask(begin)).data?.projectEncoder;
    expect(first).toMatchObject({ job: { kind: 'PROJECTION' }, errors: [] });
    // The same job, while it is under way.
    expect((await ask(begin)).data?.projectEncoder).toEqual(first);
    app.jobRunner.start(1);
    const state = `{ spaceMap { layout pointCount newItems explained job { state } bounds { left right } } }`;
    await expect
      .poll(async () => (await ask(state)).data?.spaceMap, { timeout: 30_000 })
      .toMatchObject({ layout: 'NEIGHBOURS', job: null, newItems: 0 });
    const { items } = (await ask('{ items(first: 1) { totalCount } }')).data as {
      items: { totalCount: number };
    };
    expect((await ask(state)).data?.spaceMap).toMatchObject({ pointCount: items.totalCount });
  });

  it('gives each point once, with its modality and class', async () => {
    const { data } = await ask(
      `{ classes(first: 2) { nodes { id itemCount } } items(first: 1) { totalCount } }`,
    );
    const { classes, items } = data as {
      classes: { nodes: { id: string; itemCount: number }[] };
      items: { totalCount: number };
    };
    const classIds = JSON.stringify(classes.nodes.map((each) => each.id));
    const all = await points(`classIds: ${classIds}`);
    expect([all.count, all.endCursor]).toEqual([items.totalCount, null]);
    expect(bytes(all.positions).length).toBe(8 * all.count);
    const labels = [...bytes(all.classes)];
    expect(labels.filter((index) => index === 0)).toHaveLength(classes.nodes[0]?.itemCount ?? 0);
    expect(new Set(labels)).toEqual(new Set([0, 1, 255].filter((index) => labels.includes(index))));
    const pages = [await points('first: 50')];
    for (let last = pages[0]; last?.endCursor; last = pages.at(-1))
      pages.push(await points(`first: 50, after: "${last.endCursor}"`));
    const joined = (name: 'ids' | 'positions' | 'modalities') =>
      Buffer.concat(pages.map((page) => bytes(page[name])));
    expect(joined('ids').equals(bytes(all.ids))).toBe(true);
    expect(joined('positions').equals(bytes(all.positions))).toBe(true);
    const images = (await ask('{ items(first: 1, filter: {modality: IMAGE}) { nodes { id } } }')).data?.items;
    const [image] = (images as { nodes: { id: string }[] }).nodes;
    const at = bytes(all.ids).indexOf(Buffer.from((image?.id ?? '').replaceAll('-', ''), 'hex')) / 16;
    expect(bytes(all.modalities)[at]).toBe(0);
    const where = (await ask(`{ mapPositions(ids: ["${image?.id}", "none"]) { itemId x y } }`)).data
      ?.mapPositions;
    const [x, y] = [bytes(all.positions).readFloatLE(8 * at), bytes(all.positions).readFloatLE(8 * at + 4)];
    expect(where).toEqual([{ itemId: image?.id, x: expect.closeTo(x, 3), y: expect.closeTo(y, 3) }, null]);
    // A query falls where its nearest item is.
    const place = (
      await ask(
        `{ placeOnMap(query: {itemId: "${image?.id}"}, first: 4) { x y nearest { item { id } similarity } } }`,
      )
    ).data?.placeOnMap;
    expect(place).toMatchObject({
      x: expect.closeTo(x, 1),
      y: expect.closeTo(y, 1),
      nearest: [{ item: { id: image?.id } }, {}, {}, {}],
    });
  });

  it('loses the points of deleted items, and refuses cursors and arguments that fit nothing', async () => {
    const { count } = await points('first: 10000');
    const made = await app.ingest.ingest([{ content: { text: 'a small red circle that is deleted' } }]);
    expect(made[0]?.status).toBe('CREATED');
    expect((await ask('{ spaceMap { newItems pointCount } }')).data?.spaceMap).toEqual({
      newItems: 1,
      pointCount: count,
    });
    const { data } = await ask('{ items(first: 1) { nodes { id } } }');
    const [{ id } = { id: '' }] = ((data ?? {}).items as { nodes: { id: string }[] }).nodes;
    await ask(`mutation { deleteItems(ids: ["${id}"]) { deletedIds } }`);
    expect((await points('first: 10000')).count).toBe(count - 1);
    const code = async (query: string) => (await ask(query)).errors?.[0]?.extensions;
    expect(await code('{ mapPoints(first: 10001) { count } }')).toMatchObject({
      code: 'BAD_INPUT',
      field: ['first'],
    });
    expect(await code('{ mapPoints(after: "x") { count } }')).toMatchObject({ code: 'BAD_CURSOR' });
    expect(await code('{ mapPoints(encoderId: "x") { count } }')).toMatchObject({ field: ['encoderId'] });
    expect(await code('{ placeOnMap(query: {text: ""}) { x } }')).toMatchObject({ field: ['query', 'text'] });
    expect((await ask('{ spaceMap(encoderId: "x") { layout } }')).data).toEqual({ spaceMap: null });
    expect(
      (await ask('mutation { projectEncoder(id: "x") { job { id } errors { code field } } }')).data,
    ).toEqual({
      projectEncoder: { job: null, errors: [{ code: 'ENCODER_NOT_FOUND', field: ['id'] }] },
    });
  });
});

describe('other routes', () => {
  it('report health and readiness', async () => {
    expect(await (await fetch(`${address}/healthz`)).json()).toEqual({ status: 'ok' });
    const ready = await fetch(`${address}/readyz`);
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: 'ready', indexes: { missing: 0, building: 0 } });
  });

  it.each([
    ['/media/nonsense', 404, 'MEDIA_NOT_FOUND'],
    [`/media/${'0'.repeat(64)}`, 404, 'MEDIA_NOT_FOUND'],
    ['/media/..%2f..%2fetc%2fpasswd', 404, 'MEDIA_NOT_FOUND'],
    ['/nowhere', 404, 'NOT_FOUND'],
  ])('answer %s with %i', async (path, status, code) => {
    const response = await fetch(address + path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it.each([
    ['no bytes', 'image/png', '', 400, 'EMPTY_IMAGE'],
    ['bytes that are not an image', 'image/png', 'hello', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['JSON', 'application/json', '{}', 400, 'BAD_INPUT'],
    ['more than 20 MB', 'image/png', 'x'.repeat(21 * 1024 * 1024), 413, 'IMAGE_TOO_LARGE'],
  ])('refuse an upload of %s', async (_what, type, body, status, code) => {
    const response = await fetch(`${address}/media`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  it('refuse a Host header that is not a loopback name', async () => {
    const { statusCode } = await http.inject({ url: '/media/x', headers: { host: 'evil.example:4000' } });
    expect(statusCode).toBe(401);
  });
});

describe('pages for browsers', () => {
  const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
  const open = (path: string, headers: object = BROWSER) =>
    fetch(address + path, { headers: { ...headers } });

  /** The requests of the curl commands on a page. */
  const requestsOf = (page: string) =>
    [...page.matchAll(/<code>curl ([\s\S]*?)<\/code>/g)].map(([, command = '']) => ({
      url: /\bhttps?:\/\/\S+/.exec(command)?.[0] ?? '',
      headers: [...command.matchAll(/-H '([^':]+): ([^']*)'/g)].map(([, name, value]) => [name, value]),
      body: /-d '([^']*)'/.exec(command)?.[1] ?? '',
    }));

  it.each(['/api', '/graphql'])('opens %s as a page that loads nothing', async (path) => {
    const response = await open(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('vary')).toBe('accept');
    const page = await response.text();
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(response.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(style).toContain('light-dark(');
    expect(page).not.toMatch(/<script|<link|<img|\ssrc=|\sstyle=|@import|url\(|\{\{/);
    for (const [, link = ''] of page.matchAll(/href="([^"]*)"/g)) {
      expect((await open(link)).status, link).toBe(200);
    }
  });

  it.each(['/api', '/graphql'])('prints requests on %s that work', async (path) => {
    const requests = requestsOf(await (await open(path)).text());
    expect(requests.length).toBeGreaterThan(0);
    for (const { url, headers, body } of requests) {
      expect(url).toBe(`${address}/graphql`);
      const response = await fetch(url, { method: 'POST', headers: Object.fromEntries(headers), body });
      expect(response.status).toBe(200);
      const answer = await response.text();
      if (body.includes('subscription')) expect(answer).toContain('ENCODER_NOT_FOUND');
      else expect(JSON.parse(answer)).not.toHaveProperty('errors');
    }
  });

  it('opens / as the page, which loads only files of its own, under a strict policy', async () => {
    const response = await open('/');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'; ",
    );
    const page = await response.text();
    const files = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path = '']) => path);
    expect(files.length).toBeGreaterThan(2);
    for (const path of files) {
      const file = await open(path, { accept: '*/*' });
      expect(file.status, path).toBe(200);
      expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    }
    const missing = await open('/assets/missing.js');
    expect([missing.status, missing.headers.get('cache-control')]).toEqual([404, 'no-store']);
    const item = '/items/01a2273e-dc7a-733b-831a-a7b3d9afa5e0';
    expect(await (await open(item)).text()).toBe(page);
    expect((await open(item, { accept: 'application/json' })).status).toBe(404);
  });

  it.each([{}, { accept: '*/*' }, { accept: 'application/json, text/html;q=0.9' }])(
    'answers / as JSON for %j',
    async (headers) => {
      expect(await (await open('/', headers)).json()).toMatchObject({
        name: 'Commonspace',
        graphql: '/graphql',
        upload: 'POST /media',
        media: '/media/{id}?width=',
        session: 'POST /session',
        metrics: '/metrics',
        health: '/healthz',
      });
    },
  );

  it('refuses a query by GET without a preflight header', async () => {
    const response = await open('/graphql?query={__typename}');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('CSRF');
  });

  it('serves the schema', async () => {
    const response = await open('/schema.graphql');
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(
      buildSchema(await response.text())
        .getQueryType()
        ?.getFields(),
    ).toHaveProperty('crossModalSearch');
  });

  it('uses the Host header only if it is a host name', async () => {
    const other = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: ['a-key-of-enough-length'],
      loopback: false,
    });
    const pageFor = async (host: string) => {
      const authorization = 'Bearer a-key-of-enough-length';
      return (await other.inject({ url: '/api', headers: { ...BROWSER, host, authorization } })).body;
    };
    const page = await pageFor('shop.example:8080');
    expect(page).toContain('curl http://shop.example:8080/graphql');
    expect(page).toContain("-H 'authorization: Bearer API_KEY'");
    const hostile = await pageFor('a$(id)<b>');
    expect(hostile).not.toContain('$(id)');
    expect(hostile).not.toContain('<b>');
    await other.close();
  });
});

describe('with API keys', () => {
  it('needs a key for all routes except health', async () => {
    const key = 'a-key-of-enough-length';
    const guarded = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [key],
      loopback: false,
    });
    const status = async (url: string, authorization?: string) =>
      (
        await guarded.inject({
          url,
          headers: { host: 'shop.example', ...(authorization && { authorization }) },
        })
      ).statusCode;
    expect(await status('/')).toBe(401);
    expect(await status('/', 'Bearer wrong-key-of-enough-length')).toBe(401);
    expect(await status('/', `Bearer ${key}`)).toBe(200);
    expect(await status('/healthz')).toBe(200);
    await guarded.close();
  });
});
