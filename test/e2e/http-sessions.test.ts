import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { Sessions } from '../../src/services/access/sessions.js';
import { Signatures } from '../../src/services/access/signatures.js';
import { SignedMedia } from '../../src/services/access/signed-media.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

const FIXED = 'a-key-of-enough-length';
const READ = '{ items { totalCount } }';

let app: TestApp;
let http: FastifyInstance;
beforeAll(async () => {
  app = await openTestApp();
  http = await open([FIXED]);
});
afterAll(async () => {
  await http.close();
  await app.close();
});

const open = (apiKeys: readonly string[]) =>
  createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys, loopback: true });

const send = (options: InjectOptions, on = http) => on.inject(options);
const ask = (query: string, headers: Record<string, string>, on = http) =>
  send(
    {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', ...headers },
      payload: { query },
    },
    on,
  );
const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });

/** The cookie of a new session. */
async function login(secret: string, headers: Record<string, string> = {}, on = http) {
  const response = await send(
    { method: 'POST', url: '/session', headers: { ...bearer(secret), ...headers } },
    on,
  );
  const set = String(response.headers['set-cookie'] ?? '');
  return { status: response.statusCode, set, cookie: set.split(';')[0] ?? '', body: response.json() };
}

describe('a session', () => {
  it('lets a browser do what its key may do, until it ends it', async () => {
    const { secret } = await app.keys.create('page', ['read'], null);
    const { set, cookie, body } = await login(secret);
    expect(body).toEqual({ name: 'page', scopes: ['read'], seconds: 12 * 3600 });
    expect(set).toMatch(/; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect((await ask(READ, { cookie })).statusCode).toBe(200);
    expect((await ask(READ, { cookie: `theme=dark; ${cookie}` })).statusCode).toBe(200);
    const refused = await ask('mutation { createClass(name: "x") { errors { code } } }', { cookie });
    expect(refused.json().errors[0].extensions.code).toBe('FORBIDDEN');
    const ended = await send({ method: 'DELETE', url: '/session', headers: { cookie } });
    expect(ended.statusCode).toBe(204);
    expect(ended.headers['set-cookie']).toMatch(/^commonspace_session=; .*Max-Age=0/);
  });

  it('is not begun on a server without keys, where it is not needed', async () => {
    const fresh = await openTestApp();
    const keyless = await createApp({
      services: fresh,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
    });
    const answer = await send({ method: 'POST', url: '/session' }, keyless);
    expect(answer.json()).toEqual({ name: 'local', scopes: ['admin'], seconds: null });
    expect(answer.headers['set-cookie']).toBeUndefined();
    await keyless.close();
    await fresh.close();
  });

  it('is secure behind TLS, and is not begun by another site or without a key', async () => {
    const { secret } = await app.keys.create('tls', ['read'], null);
    expect((await login(secret, { 'x-forwarded-proto': 'https' })).set).toMatch(/; Secure$/);
    expect((await login(secret, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await login('cs_wrong')).status).toBe(401);
    expect((await ask(READ, { cookie: (await login('cs_wrong')).cookie })).statusCode).toBe(401);
  });

  it('ends when its key is revoked, and when the keys of the environment change', async () => {
    const { row, secret } = await app.keys.create('gone', ['read'], null);
    const { cookie } = await login(secret);
    expect((await ask(READ, { cookie })).statusCode).toBe(200);
    await app.keys.revoke(row.id);
    expect((await ask(READ, { cookie })).statusCode).toBe(401);

    const fixed = (await login(FIXED)).cookie;
    expect((await ask(READ, { cookie: fixed })).statusCode).toBe(200);
    const other = await open(['another-key-of-enough-length']);
    expect((await ask(READ, { cookie: fixed }, other)).statusCode).toBe(401);
    await other.close();
  });

  it('cannot be changed', async () => {
    const { secret } = await app.keys.create('mine', ['read'], null);
    const { cookie } = await login(secret);
    const [name = '', value = ''] = cookie.split('=');
    const [text = '', signature = ''] = value.split('.');
    const content = JSON.parse(Buffer.from(text, 'base64url').toString());
    const forged = Buffer.from(JSON.stringify({ ...content, key: null })).toString('base64url');
    for (const wrong of [`${forged}.${signature}`, `${text}.${signature.slice(1)}`, text, '.', 'a.b', '{}'])
      expect((await ask(READ, { cookie: `${name}=${wrong}` })).statusCode).toBe(401);
  });

  it('ends after twelve hours', async () => {
    let now = 1_000_000;
    const signatures = new Signatures(app.catalog.serverSecret);
    const sessions = new Sessions(signatures, app.keys, () => now);
    const fixed = { keyId: null, name: 'environment', scopes: ['admin'] } as const;
    const session = await sessions.begin(fixed, 'e');
    now += 12 * 3_600_000 - 1;
    expect(await sessions.callerOf(session, fixed, 'e')).toEqual(fixed);
    expect(await sessions.callerOf(session, null, 'e')).toBeNull();
    now += 2;
    expect(await sessions.callerOf(session, fixed, 'e')).toBeNull();
  });
});

describe('the signed address of a picture', () => {
  const upload = async (colour: 'red' | 'blue') => {
    const externalId = `signed-${colour}`;
    await app.ingest.ingest([{ content: { bytes: await drawShape('ring', colour) }, externalId }]);
    return externalId;
  };
  const addressOf = async (externalId: string, args: string) => {
    const query = `{ item(externalId: "${externalId}") { ... on ImageItem { url(${args}) } } }`;
    return (await ask(query, bearer(FIXED))).json();
  };

  it('can be fetched without a key, and no other', async () => {
    const url: string = (await addressOf(await upload('red'), 'width: 64, expiresIn: 60')).data.item.url;
    expect(url).toMatch(/^\/media\/[0-9a-f]{64}\?width=64&expires=\d+&signature=[\w-]{43}$/);
    const fetched = await send({ url });
    expect(fetched.statusCode).toBe(200);
    expect(fetched.headers['content-type']).toBe('image/webp');
    expect(fetched.headers['cache-control']).toMatch(/^private/);
    for (const other of [
      url.replace('width=64', 'width=256'),
      url.replace('width=64&', ''),
      url.replace(/expires=\d+/, 'expires=9999999999'),
      url.replace(/signature=.*/, 'signature='),
      url.replace(/\?.*/, ''),
    ])
      expect((await send({ url: other })).statusCode).toBe(401);
    expect((await send({ url: `/?${url.split('?')[1]}` })).statusCode).toBe(401);
    expect((await send({ method: 'POST', url })).statusCode).toBe(401);
    // The browser still has the cookie of a session that has ended.
    const ended = await send({ url, headers: { cookie: 'commonspace_session=a.b' } });
    expect(ended.statusCode).toBe(200);
  });

  it('expires, and is valid for a week at most', async () => {
    const externalId = await upload('blue');
    for (const wrong of [0, -1, 604_801]) {
      const { errors } = await addressOf(externalId, `expiresIn: ${wrong}`);
      expect(errors[0].extensions).toMatchObject({ code: 'BAD_INPUT', field: ['expiresIn'] });
    }
    let now = 1_000_000_000;
    const signed = new SignedMedia(new Signatures(app.catalog.serverSecret), () => now);
    const query = new URLSearchParams(await signed.query('a'.repeat(64), null, 60));
    const asked = {
      width: null,
      expires: Number(query.get('expires')),
      signature: query.get('signature') ?? '',
    };
    expect(await signed.isValid('a'.repeat(64), asked)).toBe(true);
    expect(await signed.isValid('b'.repeat(64), asked)).toBe(false);
    now += 60_000;
    expect(await signed.isValid('a'.repeat(64), asked)).toBe(false);
  });
});

describe('the audit log', () => {
  it('has who wrote what, and when', async () => {
    const { row, secret } = await app.keys.create('writer', ['ingest', 'train'], null);
    const before = Date.now();
    await ask(
      'mutation { ingest(input: {items: [{content: {text: "noted"}, externalId: "noted"}, {content: {text: " "}}]}) { created } }',
      bearer(secret),
    );
    const item = await app.items.byExternalId('noted');
    await ask(`mutation { deleteItems(ids: ["${item?.id}"]) { deletedIds } }`, bearer(secret));
    await ask('mutation { createClass(name: "noted") { errors { code } } }', bearer(secret));
    await ask('mutation { createClass(name: "noted") { errors { code } } }', bearer(secret));
    await ask('mutation { trainEncoder(input: {}) { errors { code } } }', bearer(secret));
    await ask('mutation { cancelTraining(id: "x") { errors { code } } }', bearer(secret));
    const entries = (await app.auditPage(null, 100)).filter(({ keyId }) => keyId === row.id).reverse();
    expect(entries.map(({ action, detail }) => [action, detail])).toEqual([
      ['ingest', { created: 1, updated: 0, unchanged: 0, failed: 1, ids: [item?.id] }],
      ['deleteItems', { deleted: 1, ids: [item?.id] }],
      ['createClass', { name: 'noted' }],
      ['createClass', { name: 'noted', errors: ['CLASS_EXISTS'] }],
      ['trainEncoder', { errors: ['NO_PAIRS'] }],
      ['cancelTraining', { id: 'x', errors: ['ENCODER_NOT_FOUND'] }],
    ]);
    for (const { caller, at } of entries) {
      expect(caller).toBe('writer');
      expect(at.getTime()).toBeGreaterThan(before - 1000);
    }
    const second = await app.auditPage(entries[5]?.id ?? null, 1);
    expect(second.map(({ id }) => id)).toEqual([entries[4]?.id]);
  });

  it('has the newest entries first, also from the tenth on', async () => {
    const { secret } = await app.keys.create('many', ['ingest'], null);
    for (let i = 0; i < 12; i += 1)
      await ask(`mutation { createClass(name: "many ${i}") { errors { code } } }`, bearer(secret));
    const all = (await app.auditPage(null, 100)).map(({ id }) => Number(id));
    expect(all.length).toBeGreaterThanOrEqual(12);
    expect(all).toEqual([...all].sort((a, b) => b - a));
    const next = await app.auditPage(String(all[4]), 5);
    expect(next.map(({ id }) => Number(id))).toEqual(all.slice(5, 10));
  });

  it('has uploads, and nothing of what was refused or only read', async () => {
    const { row, secret } = await app.keys.create('uploader', ['read'], null);
    const payload = await drawShape('triangle', 'green');
    const upload = (key: string) =>
      send({
        method: 'POST',
        url: '/media',
        headers: { 'content-type': 'image/png', ...bearer(key) },
        payload,
      });
    await upload(secret);
    await ask(READ, bearer(secret));
    await ask('mutation { createClass(name: "refused") { errors { code } } }', bearer(secret));
    const { id } = (await upload(FIXED)).json();
    const entries = await app.auditPage(null, 100);
    expect(entries.filter(({ keyId }) => keyId === row.id)).toEqual([]);
    expect(entries.find(({ action, detail }) => action === 'upload' && detail.id === id)).toMatchObject({
      caller: 'environment',
      keyId: null,
    });
  });

  it('has texts that the database cannot store, without the characters at fault', async () => {
    const { row, secret } = await app.keys.create('odd', ['ingest'], null);
    const variables = { name: `a\0b\ud800${'c'.repeat(500)}` };
    await send({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', ...bearer(secret) },
      payload: {
        query: 'mutation ($name: String!) { createClass(name: $name) { errors { code } } }',
        variables,
      },
    });
    const [entry] = (await app.auditPage(null, 100)).filter(({ keyId }) => keyId === row.id);
    expect(entry?.detail).toEqual({ name: `a\uFFFDb\uFFFD${'c'.repeat(196)}`, errors: ['BAD_INPUT'] });
  });

  it('does not make a write fail that it cannot note', async () => {
    const { secret } = await app.keys.create('unnoted', ['ingest'], null);
    const add = app.catalog.audit.add;
    app.catalog.audit.add = async () => {
      throw new Error('the log cannot be written');
    };
    const answer = await ask('mutation { createClass(name: "unnoted") { errors { code } } }', bearer(secret));
    app.catalog.audit.add = add;
    expect(answer.json().data.createClass.errors).toEqual([]);
    expect(app.unexpected.splice(0)).toMatchObject([{ message: 'the log cannot be written' }]);
  });
});
