import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL, type Scope } from '../../src/domain/access.js';
import { checkExposure } from '../../src/http/access.js';
import { createApp } from '../../src/http/app.js';
import { ApiKeys } from '../../src/services/access/api-keys.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

const INGEST = 'mutation { ingest(input: {items: [{content: {text: "a word"}}]}) { results { status } } }';
const TRAIN = 'mutation { trainEncoder(input: {}) { errors { code } } }';
const READ = '{ items { totalCount } }';

let app: TestApp;
let http: FastifyInstance;
/** The status of a request without a key, before and after the first key was made. */
const statuses: number[] = [];
beforeAll(async () => {
  app = await openTestApp();
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  statuses.push((await ask(READ)).status);
  await app.keys.create('first', ['read'], null);
  statuses.push((await ask(READ)).status);
});
afterAll(async () => {
  await http.close();
  await app.close();
});

async function ask(query: string, secret?: string, on: FastifyInstance = http) {
  const response = await on.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...bearer(secret) },
    payload: { query },
  });
  return { status: response.statusCode, body: response.json() };
}

const bearer = (secret?: string) => (secret === undefined ? {} : { authorization: `Bearer ${secret}` });
const codeOf = ({ body }: Awaited<ReturnType<typeof ask>>): string | undefined =>
  body.errors?.[0]?.extensions?.code ?? body.error?.code;

async function upload(secret: string) {
  return await http.inject({
    method: 'POST',
    url: '/media',
    headers: { 'content-type': 'image/png', ...bearer(secret) },
    payload: await drawShape('circle', 'red'),
  });
}

describe('keys in the database', () => {
  const make = async (...scopes: Scope[]) => (await app.keys.create(scopes.join(' '), scopes, null)).secret;

  it('are required as soon as there is one', async () => {
    expect(statuses).toEqual([200, 401]);
    const secret = await make('read');
    // Clients of GraphQL read `errors`.
    const failure = { code: 'UNAUTHENTICATED', field: ['authorization'] };
    expect(await ask(READ)).toMatchObject({
      status: 401,
      body: { error: failure, errors: [{ message: expect.any(String), extensions: failure }] },
    });
    expect((await ask(READ, 'cs_unknown')).status).toBe(401);
    expect((await ask(READ, secret)).body.data).toEqual({ items: { totalCount: expect.any(Number) } });
    expect((await http.inject({ url: '/healthz' })).statusCode).toBe(200);
  });

  it('are stored as a hash, and are listed without their secret', async () => {
    const { row, secret } = await app.keys.create(' the shop ', ['read', 'ingest', 'read'], null);
    expect(secret).toMatch(/^cs_[\w-]{43}$/);
    expect(row).toMatchObject({ name: 'the shop', scopes: ['read', 'ingest'], usedAt: null });
    const stored = JSON.stringify(await app.catalog.database.run('SELECT * FROM api_key'));
    expect(stored).not.toContain(secret);
    await ask(READ, secret);
    const [listed] = await app.keys.list();
    expect(listed).toMatchObject({ id: row.id, usedAt: expect.any(Date) });
    expect(JSON.stringify(await app.keys.list())).not.toContain(secret);
  });

  it.each([
    { scopes: ['read'], ingest: false, train: false },
    { scopes: ['ingest'], ingest: true, train: false },
    { scopes: ['train'], ingest: false, train: true },
    { scopes: ['ingest', 'train'], ingest: true, train: true },
    { scopes: ['admin'], ingest: true, train: true },
  ] as const)('with the scopes $scopes do what these include', async ({ scopes, ingest, train }) => {
    const secret = await make(...scopes);
    expect((await ask(READ, secret)).body.errors).toBeUndefined();
    expect(codeOf(await ask(INGEST, secret))).toBe(ingest ? undefined : 'FORBIDDEN');
    // There is no pair to train on: the call is let through.
    const trained = await ask(TRAIN, secret);
    expect(codeOf(trained)).toBe(train ? undefined : 'FORBIDDEN');
    if (train) expect(trained.body.data.trainEncoder.errors).toMatchObject([{ code: 'NO_PAIRS' }]);
    const uploaded = await upload(secret);
    expect(uploaded.statusCode).toBe(ingest ? 201 : 403);
    const file = {
      method: 'POST',
      url: '/uploads',
      headers: bearer(secret),
      payload: 'text\na circle\n',
    } as const;
    expect((await http.inject(file)).statusCode).toBe(ingest ? 201 : 403);
    if (ingest) {
      const { headers } = await http.inject({ url: uploaded.json().url, headers: bearer(secret) });
      expect(headers['cache-control']).toMatch(/^private/);
    }
  });

  it('refuse a mutation of a read key also as a stream, and change nothing', async () => {
    const secret = await make('read');
    const before = (await ask(READ, secret)).body;
    const streamed = await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...bearer(secret) },
      payload: { query: INGEST },
    });
    expect(streamed.body).toContain('FORBIDDEN');
    expect((await ask(READ, secret)).body).toEqual(before);
  });

  it('end when they expire or are revoked, on other servers within the time that those remember them', async () => {
    const short = await app.keys.create('short', ['read'], new Date(Date.now() + 400));
    expect((await ask(READ, short.secret)).status).toBe(200);
    await expect.poll(async () => (await ask(READ, short.secret)).status, { timeout: 5_000 }).toBe(401);

    const other = new ApiKeys(app.catalog.apiKeys, 100);
    const { row, secret } = await app.keys.create('long', ['read'], null);
    expect(await other.callerOf(secret)).toMatchObject({ keyId: row.id, name: 'long' });
    expect((await ask(READ, secret)).status).toBe(200);
    await app.keys.revoke('long');
    expect((await ask(READ, secret)).status).toBe(401);
    await expect.poll(() => other.callerOf(secret), { timeout: 5_000 }).toBeNull();
  });

  it('are revoked by id or by a name that one key has alone', async () => {
    const twins = [
      await app.keys.create('twin', ['read'], null),
      await app.keys.create('twin', ['read'], null),
    ];
    await expect(app.keys.revoke('twin')).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['key'] });
    const [first, second] = twins.map(({ row }) => row.id) as [string, string];
    expect((await app.keys.revoke(first)).id).toBe(first);
    expect((await app.keys.revoke('twin')).id).toBe(second);
    await expect(app.keys.revoke(first)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  it('need a name, a scope and a time to come', async () => {
    const create = (name: string, scopes: readonly Scope[], expiresAt: Date | null = null) =>
      app.keys.create(name, scopes, expiresAt);
    await expect(create(' ', ['read'])).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['name'] });
    await expect(create('a', [])).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['scopes'] });
    await expect(create('a', ['read'], new Date(0))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['expiresAt'],
    });
  });

  it('allow to listen beyond loopback, where a key is always needed', async () => {
    await expect(checkExposure('0.0.0.0', { apiKeys: [], keys: app.keys })).resolves.toBeUndefined();
    const none = { exist: async () => false, callerOf: async () => null };
    await expect(checkExposure('0.0.0.0', { apiKeys: [], keys: none })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
    });
    const outside = await createApp({
      services: { ...app, keys: Object.assign(Object.create(app.keys), none) },
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: false,
    });
    expect((await ask(READ, undefined, outside)).status).toBe(401);
    await outside.close();
  });

  it('stand beside keys of the environment, which may do everything', async () => {
    const fixed = 'a-key-of-enough-length';
    const both = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [fixed],
      loopback: true,
    });
    expect(codeOf(await ask(INGEST, fixed, both))).toBeUndefined();
    expect(codeOf(await ask(INGEST, await make('read'), both))).toBe('FORBIDDEN');
    await both.close();
  });
});

describe('keys by the API', () => {
  const FIELDS = 'id name scopes createdAt usedAt expiresAt revokedAt costPerMinute bytesPerMinute current';
  const create = (fields: string) =>
    `mutation { createKey(${fields}) { key { ${FIELDS} } secret errors { code field } } }`;
  const revoke = (id: string) =>
    `mutation { revokeKey(id: "${id}") { key { id revokedAt } errors { code field } } }`;
  let admin: string;
  beforeAll(async () => {
    admin = (await app.keys.create('boss', ['admin'], null)).secret;
  });

  it('are created, used, listed and revoked', async () => {
    const fields = 'name: " shop ", scopes: [TRAIN, READ, TRAIN], expiresAt: "2999-01-02T03:04:05Z"';
    const made = (await ask(create(`${fields}, costPerMinute: 5000000000`), admin)).body.data.createKey;
    const { secret, key } = made;
    expect(made.errors).toEqual([]);
    expect(key).toMatchObject({
      name: 'shop',
      scopes: ['READ', 'TRAIN'],
      usedAt: null,
      expiresAt: '2999-01-02T03:04:05.000Z',
      revokedAt: null,
      costPerMinute: 5_000_000_000,
      bytesPerMinute: null,
      current: false,
    });
    expect((await ask(READ, secret)).status).toBe(200);
    const list = `{ keys(usable: true, first: 2) { totalCount nodes { ${FIELDS} } pageInfo { hasNextPage endCursor } } }`;
    const page = (await ask(list, admin)).body.data.keys;
    expect(page.nodes).toMatchObject([
      { ...key, usedAt: expect.any(String) },
      { name: 'boss', current: true },
    ]);
    expect(page.totalCount).toBeGreaterThan(2);
    const next = `{ keys(usable: true, first: 1, after: "${page.pageInfo.endCursor}") { nodes { id } pageInfo { hasPreviousPage } } }`;
    const following = (await ask(next, admin)).body.data.keys;
    expect(following.pageInfo.hasPreviousPage).toBe(true);
    expect(page.nodes.map(({ id }: { id: string }) => id)).not.toContain(following.nodes[0].id);

    expect((await ask(revoke(key.id), admin)).body.data.revokeKey).toEqual({
      key: { id: key.id, revokedAt: expect.any(String) },
      errors: [],
    });
    expect((await ask(READ, secret)).status).toBe(401);
    const gone = [{ code: 'KEY_NOT_FOUND', field: ['id'] }];
    for (const id of [key.id, 'shop'])
      expect((await ask(revoke(id), admin)).body.data.revokeKey).toEqual({ key: null, errors: gone });
    const unusable = (await ask('{ keys(usable: false, first: 1) { nodes { id } } }', admin)).body.data.keys;
    expect(unusable.nodes).toEqual([{ id: key.id }]);

    const entries = (await app.auditPage(null, 4)).filter(({ action }) => action.endsWith('Key'));
    expect(entries.at(-1)?.detail).toMatchObject({ id: key.id, name: 'shop', scopes: ['read', 'train'] });
    expect(JSON.stringify(entries)).not.toContain(secret);
  });

  it('are for admins alone', async () => {
    const { secret } = await app.keys.create('clerk', ['ingest', 'train'], null);
    const id = (await app.keys.list())[0]?.id ?? '';
    for (const query of ['{ keys { totalCount } }', create('name: "a", scopes: [ADMIN]'), revoke(id)])
      expect(codeOf(await ask(query, secret))).toBe('FORBIDDEN');
    expect((await ask(READ, secret)).status).toBe(200);
  });

  it.each([
    { given: 'name: " "', field: 'name' },
    { given: 'name: "a", scopes: []', field: 'scopes' },
    { given: 'name: "a", expiresAt: "2001-01-01T00:00:00Z"', field: 'expiresAt' },
    { given: 'name: "a", costPerMinute: 0.5', field: 'costPerMinute' },
    { given: 'name: "a", bytesPerMinute: 1e300', field: 'bytesPerMinute' },
  ])('are refused with the field at fault: $given', async ({ given, field }) => {
    const { createKey } = (await ask(create(given), admin)).body.data;
    expect(createKey).toEqual({ key: null, secret: null, errors: [{ code: 'BAD_INPUT', field: [field] }] });
  });

  it('take the time as a variable of the type that schema.graphql names', async () => {
    const response = await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: bearer(admin),
      payload: {
        query: 'mutation ($at: DateTime) { createKey(name: "timed", expiresAt: $at) { key { expiresAt } } }',
        variables: { at: '2999-01-01T00:00:00Z' },
      },
    });
    expect(response.json().data.createKey.key).toEqual({ expiresAt: '2999-01-01T00:00:00.000Z' });
  });

  it('begin with one for everything', async () => {
    const caller = LOCAL;
    const key = { name: 'first', expiresAt: null, perMinute: { cost: null, bytes: null } };
    await expect(app.keys.createFor(caller, { ...key, scopes: ['train'] })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['scopes'],
    });
    expect((await app.keys.createFor(caller, { ...key, scopes: ['admin'] })).row.scopes).toEqual(['admin']);
  });
});
