import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { drawShape, shapePairs } from '../factories/shapes.js';
import { KEY, type ManyServers, startManyServers } from '../support/many-servers.js';

const BOTH = [0, 1] as const;
const ITEMS = '{ items(first: 30) { nodes { id title } } }';
const CREATE_KEY = `mutation ($name: String!, $cost: Float) {
  createKey(name: $name, costPerMinute: $cost) { key { id } secret } }`;
const missing = !process.env.TEST_DATABASE_URL;

/** Two servers and two workers behind a round robin without sticky sessions. Each test makes what it needs. */
describe.skipIf(missing)(`two servers${missing ? ' (TEST_DATABASE_URL is not set)' : ''}`, () => {
  let all: ManyServers;

  beforeAll(async () => {
    all = await startManyServers();
    const items = (await shapePairs()).flatMap(({ key, png, caption, shape }) => [
      {
        externalId: `${key}.png`,
        pairKey: key,
        classes: [shape],
        content: { imageBase64: png.toString('base64') },
      },
      { externalId: `${key}.txt`, pairKey: key, classes: [shape], content: { text: caption } },
    ]);
    const { results } = await all.client.ingest(items);
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    await train(1);
  }, 600_000);
  afterAll(async () => {
    await all.close();
    expect(all.log).toEqual([]);
  });

  /** Trains an encoder by the proxy. @returns its id, when it is ready */
  async function train(seed: number): Promise<string> {
    const input = { preset: 'PAPER' as const, seed, epochs: 2, options: { tune: 'none' } };
    const { id } = await all.client.trainEncoder(input);
    let state: string | null = null;
    for await (const encoder of all.client.encoderProgress(id)) state = encoder.state;
    expect(['READY', 'ACTIVE']).toContain(state);
    return id;
  }

  async function ended(id: string) {
    let last = null;
    for await (const job of all.client.jobProgress(id)) last = job;
    return last;
  }

  async function createKey(name: string, cost: number | null = null) {
    const { createKey: made } = await all
      .server(0)
      .ask<{ createKey: { key: { id: string }; secret: string } }>(CREATE_KEY, { name, cost });
    return { id: made.key.id, secret: made.secret };
  }

  const send = (index: number, path: string, headers: Record<string, string>, init: RequestInit = {}) =>
    fetch(`${all.server(index).address}${path}`, { ...init, headers });
  const ask = (index: number, query: string, headers: Record<string, string>) =>
    send(
      index,
      '/graphql',
      { 'content-type': 'application/json', ...headers },
      { method: 'POST', body: JSON.stringify({ query }) },
    );

  it('are sent requests in turn', async () => {
    const before = [...all.proxy.passed];
    for (let i = 0; i < 10; i += 1) await all.client.items({ first: 1 });
    expect(all.proxy.passed.map((count, i) => count - (before[i] ?? 0))).toEqual([5, 5]);
  });

  it('know the sessions of each other, and refuse other sites', async () => {
    const { id, secret } = await createKey('a browser');
    const begun = await send(0, '/session', { authorization: `Bearer ${secret}` }, { method: 'POST' });
    const cookie = (begun.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    for (const i of BOTH) {
      expect((await ask(i, ITEMS, { cookie })).status).toBe(200);
      expect((await ask(i, ITEMS, { cookie, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
      const other = await ask(i, ITEMS, { cookie, 'sec-fetch-site': 'cross-site' });
      expect(await other.json()).toMatchObject({ error: { code: 'CROSS_SITE_REQUEST' } });
      expect((await ask(i, ITEMS, { cookie: `${cookie}x` })).status).toBe(401);
    }
    await all.server(1).ask(`mutation { revokeKey(id: "${id}") { errors { code } } }`);
    for (const i of BOTH) await expect.poll(async () => (await ask(i, ITEMS, { cookie })).status).toBe(401);
  });

  it('refuse a key that one of them has revoked', async () => {
    const { id, secret } = await createKey('a leaked key');
    const headers = { authorization: `Bearer ${secret}` };
    for (const i of BOTH) expect((await ask(i, ITEMS, headers)).status).toBe(200);
    await all.server(0).ask(`mutation { revokeKey(id: "${id}") { errors { code } } }`);
    const revoked = performance.now();
    expect((await ask(0, ITEMS, headers)).status).toBe(401);
    await expect.poll(async () => (await ask(1, ITEMS, headers)).status, { interval: 50 }).toBe(401);
    console.log(`refused by the other server after ${Math.round(performance.now() - revoked)} ms`);
  });

  it('count the budget of a key together', async () => {
    const { secret } = await createKey('a partner', 1_000);
    const headers = { authorization: `Bearer ${secret}` };
    // 15 times 62.
    for (let i = 0; i < 15; i += 1) expect((await ask(0, ITEMS, headers)).status).toBe(200);
    const left = async () => {
      const answer = (await (await ask(1, '{ __typename }', headers)).json()) as {
        extensions: { cost: { left: number } };
      };
      return answer.extensions.cost.left;
    };
    await expect.poll(left, { interval: 50 }).toBeLessThan(500);
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(1, ITEMS, headers)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(429);
  });

  it('serve pictures that the other was sent, ingest them, and sign addresses for each other', async () => {
    const bytes = await drawShape('ring', 'purple', 9);
    const { id } = await all.clientOf(0).upload(new Blob([new Uint8Array(bytes)]));
    const item = { content: { mediaId: id }, externalId: 'purple ring', classes: ['a purple thing'] };
    const { results } = await all.clientOf(1).ingest([item]);
    expect(results).toMatchObject([{ status: 'CREATED' }]);
    const { item: found } = await all
      .server(0)
      .ask<{ item: { url: string } }>(
        '{ item(externalId: "purple ring") { ... on ImageItem { url(width: 64, expiresIn: 600) } } }',
      );
    for (const i of BOTH) {
      const whole = await send(i, `/media/${id}`, { authorization: `Bearer ${KEY}` });
      expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
      const { pathname, search } = new URL(found.url, all.proxy.address);
      const signed = await send(i, `${pathname}${search}`, {});
      expect((await sharp(Buffer.from(await signed.arrayBuffer())).metadata()).format).toBe('webp');
      const classes = await all.clientOf(i).classes({ search: 'a purple thing' });
      expect(classes.nodes).toHaveLength(1);
      const { nodes } = await all.clientOf(i).items({ filter: { classNames: ['a purple thing'] } });
      expect(nodes.map(({ externalId }) => externalId)).toEqual(['purple ring']);
    }
  });

  it('give a file of one of them to a worker, and show its progress', async () => {
    const rows = Array.from({ length: 300 }, (_, i) =>
      JSON.stringify({ text: `a red row ${i}`, id: `row ${i}` }),
    );
    const { id: uploadId } = await all.clientOf(0).uploadFile(Buffer.from(rows.join('\n')));
    const { ingestBulk } = await all
      .server(1)
      .ask<{ ingestBulk: { job: { id: string } } }>(
        `mutation { ingestBulk(input: {uploadId: "${uploadId}", prefix: "bulk"}) { job { id } errors { code } } }`,
      );
    const { id } = ingestBulk.job;
    expect(await ended(id)).toMatchObject({ state: 'SUCCEEDED', done: 300, failed: 0, total: 300 });
    for (const i of BOTH) {
      const { job } = await all.server(i).ask<{ job: object }>(`{ job(id: "${id}") { state done } }`);
      expect(job).toEqual({ state: 'SUCCEEDED', done: 300 });
    }
    const [row] = await all.rows<{ pid: number }>(
      `SELECT (owner->>'pid')::int AS pid FROM job WHERE id = $1`,
      [id],
    );
    expect(all.workers.map(({ pid }) => pid)).toContain(row?.pid);
  });

  it('let workers train, and see at once which encoder is active', async () => {
    const encoders = [await train(2), await train(3)];
    const owners = await all.rows<{ pid: number }>(
      `SELECT (owner->>'pid')::int AS pid FROM encoder WHERE id = ANY($1::uuid[])`,
      [encoders],
    );
    const pids = all.workers.map(({ pid }) => pid);
    for (const { pid } of owners) expect(pids).toContain(pid);
    for (let i = 0; i < 6; i += 1) {
      const id = encoders[i % 2] ?? '';
      await all.clientOf(i % 2).activateEncoder({ id, force: true });
      for (const k of BOTH) {
        const found = await all.clientOf(k).search({ query: { text: 'a red circle' }, by: ['CONTENT'] });
        expect(found.encoderVersion).toBe(id);
        expect(found.edges.length).toBeGreaterThan(0);
      }
    }
  }, 600_000);

  it('write one feed of changes', async () => {
    const start = (await all.client.itemChanges()).position;
    const names = Array.from({ length: 20 }, (_, i) => `fed ${i}`);
    const wanted = new Set<string>();
    for (const [i, name] of names.entries()) {
      const { results } = await all
        .clientOf(i % 2)
        .ingest([{ externalId: name, content: { text: `words of ${name}` } }]);
      wanted.add(results[0]?.item?.id ?? name);
    }
    const seen: string[] = [];
    await expect
      .poll(async () => {
        seen.length = 0;
        for await (const page of all.client.itemChangePages({ after: start }))
          seen.push(...page.nodes.flatMap(({ itemId }) => (wanted.has(itemId) ? [itemId] : [])));
        return seen.length;
      })
      .toBe(names.length);
    // In the order in which they were written, by which server it was.
    expect(seen).toEqual([...wanted]);
  });

  it('export, and import what the other was sent', async () => {
    const archive = await new Response(await all.client.exportCatalogue()).arrayBuffer();
    const { id: uploadId } = await all.clientOf(1).uploadFile(new Blob([archive]));
    const { id } = await all.clientOf(0).importCatalogue({ uploadId, merge: true });
    expect(await ended(id)).toMatchObject({ state: 'SUCCEEDED', imported: { missingPictures: 0 } });
  });

  it('lose no acknowledged write when one of them and a worker are killed, and clients repeat', async () => {
    const acknowledged = new Map<string, string>();
    let repeated = 0;
    let writing = true;
    const client = createClient({ url: all.proxy.address, key: KEY });
    const write = async (writer: number) => {
      for (let i = 0; writing; i += 1) {
        const name = `writer ${writer}, item ${i}`;
        const colour = (['red', 'green', 'blue'] as const)[writer % 3] ?? 'red';
        const png = await drawShape('square', colour, 5 + (i % 20));
        const items = [
          { externalId: `${name}.png`, pairKey: name, content: { imageBase64: png.toString('base64') } },
          { externalId: `${name}.txt`, pairKey: name, content: { text: `a ${colour} square of ${name}` } },
        ];
        for (let done = false; !done; ) {
          const results = (await client.ingest(items).catch(() => null))?.results ?? null;
          done = results?.every(({ error }) => error === null) ?? false;
          for (const { index, item, error } of results ?? [])
            if (error === null && item) acknowledged.set(items[index]?.externalId ?? '', item.id);
          if (!done) {
            repeated += 1;
            await setTimeout(20);
          }
        }
      }
    };
    const rows = Array.from({ length: 2_000 }, (_, i) =>
      JSON.stringify({ text: `a blue row ${i}`, id: `${i}` }),
    );
    const { id: uploadId } = await all.client.uploadFile(Buffer.from(rows.join('\n')));
    const { ingestBulk } = await all
      .server(1)
      .ask<{ ingestBulk: { job: { id: string } } }>(
        `mutation { ingestBulk(input: {uploadId: "${uploadId}", prefix: "killed"}) { job { id } } }`,
      );
    const job = async () => {
      const [row] = await all.rows<{ done: number; pid: number; state: string }>(
        `SELECT done, state, (owner->>'pid')::int AS pid FROM job WHERE id = $1`,
        [ingestBulk.job.id],
      );
      return row;
    };
    const writers = [0, 1, 2].map(write);
    await expect.poll(async () => (await job())?.done ?? 0, { interval: 20 }).toBeGreaterThan(0);
    await expect.poll(() => acknowledged.size).toBeGreaterThan(10);
    const busy = (await job())?.pid;
    all.workers.find(({ pid }) => pid === busy)?.kill('SIGKILL');
    await all.server(0).kill();
    const before = acknowledged.size;
    // By the server that is left.
    await expect.poll(() => acknowledged.size).toBeGreaterThan(before + 10);
    await all.restart(0);
    await all.startWorker();
    const after = acknowledged.size;
    await expect.poll(() => acknowledged.size).toBeGreaterThan(after + 10);
    writing = false;
    await Promise.all(writers);
    console.log(`${acknowledged.size} items acknowledged, ${repeated} requests repeated`);
    expect(repeated).toBeGreaterThan(0);
    await expect.poll(async () => (await job())?.state, { timeout: 300_000 }).toBe('succeeded');
    expect((await job())?.done).toBe(rows.length);

    const stored = await all.rows<{ id: string; external_id: string; paired: boolean; embedded: boolean }>(
      `SELECT id, external_id, pair_id IS NOT NULL AS paired, EXISTS (SELECT FROM embedding e JOIN encoder c ON c.id = e.encoder_id
         WHERE e.item_id = i.id AND c.state = 'active') AS embedded
       FROM item i WHERE external_id LIKE 'writer %'`,
    );
    expect(new Map(stored.map((row) => [row.external_id, row.id]))).toEqual(acknowledged);
    expect(stored.filter(({ paired, embedded }) => !(paired && embedded))).toEqual([]);
    const pictures = await all.rows<{ sha256: string }>(
      "SELECT DISTINCT content_hash AS sha256 FROM item WHERE modality = 'IMAGE'",
    );
    for (const { sha256 } of pictures) {
      const answer = await fetch(`${all.proxy.address}/media/${sha256}`, {
        headers: { authorization: `Bearer ${KEY}` },
      });
      expect(answer.status, sha256).toBe(200);
      await answer.arrayBuffer();
    }
  }, 600_000);
});
