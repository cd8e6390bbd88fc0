import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { createTestDatabase } from '../support/catalog.js';
import { deployText, isInstalled } from '../support/deploy-files.js';
import { eventsOf } from '../support/event-stream.js';
import { freePort } from '../support/free-port.js';
import { ServerProcess } from '../support/server-process.js';

const KEY = '0123456789abcdef';
const SEARCH = '{ crossModalSearch(query: {text: "a red bus"}, target: TEXT) { edges { node { id } } } }';
const canRun = Boolean(process.env.TEST_DATABASE_URL) && isInstalled('haproxy', '-v');

/** deploy/haproxy.cfg on a port of this machine, before the servers at these addresses in place of those of DNS. */
function configuration(port: number, servers: readonly string[]): string {
  const lines = servers.map((address, i) => `  server server-${i + 1} ${new URL(address).host}`);
  return deployText('haproxy.cfg')
    .replace(/^ {2}server-template .*$/m, lines.join('\n'))
    .replace('bind :8080', `bind 127.0.0.1:${port}`);
}

/** HAProxy as a process. */
interface Proxy {
  readonly address: string;
  stop(): Promise<void>;
}

async function startProxy(folder: string, servers: readonly ServerProcess[]): Promise<Proxy> {
  const port = await freePort();
  const path = join(folder, `${port}.cfg`);
  const addresses = servers.map(({ address }) => address);
  await writeFile(path, configuration(port, addresses));
  const child = spawn('haproxy', ['-db', '-f', path], { stdio: 'ignore' });
  const address = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(`${address}/proxy-health`), { timeout: 60_000 });
  return {
    address,
    stop: async () => {
      child.kill();
      await once(child, 'close');
    },
  };
}

describe.skipIf(!canRun)('the proxy of deploy/', () => {
  let folder: string;
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let servers: ServerProcess[];
  let proxy: Proxy;
  const proxies: Proxy[] = [];
  /** The number of requests of /graphql that each server has answered. */
  const answered = [0, 0, 0];

  const start = (i: number, delay = '0') =>
    ServerProcess.start(
      folder,
      {
        DATABASE_URL: database.url,
        COMMONSPACE_API_KEYS: KEY,
        COMMONSPACE_JOBS: '0',
        COMMONSPACE_STOP_DELAY_SECONDS: delay,
        COMMONSPACE_LOG_LEVEL: 'info',
      },
      (line) => {
        if (line.includes('"path":"/graphql"')) answered[i] = (answered[i] ?? 0) + 1;
      },
    );
  const send = (path: string, init: RequestInit = {}, { key = KEY, to = proxy } = {}) =>
    fetch(`${to.address}${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
  const post = (query: string, { key = KEY, to = proxy, accept = 'application/json' } = {}) => {
    const headers = { 'content-type': 'application/json', accept };
    return send('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) }, { key, to });
  };
  const ask = async <T>(query: string) => ((await (await post(query)).json()) as { data: T }).data;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-proxy-'));
    database = await createTestDatabase();
    servers = [await start(0), await start(1)];
    proxy = await startProxy(folder, servers);
    proxies.push(proxy);
  });
  afterAll(async () => {
    for (const one of proxies) await one.stop();
    for (const server of servers) await server.stop();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  it('passes requests to the servers in turn', async () => {
    const before = answered.slice(0, 2);
    for (let i = 0; i < 20; i += 1) expect((await post(SEARCH)).status).toBe(200);
    await expect.poll(() => before.map((count, i) => (answered[i] ?? 0) - count)).toEqual([10, 10]);
    expect((await fetch(`${proxy.address}/graphql`)).status).toBe(401);
    expect((await send('/metrics')).status).toBe(404);
  });

  it('passes pictures and uploads on, larger than what a proxy keeps in memory', async () => {
    // Decoders do not read what follows the end of a picture.
    const picture = Buffer.concat([await drawShape('circle', 'red', 64), Buffer.alloc(15_000_000, 'rest')]);
    const init = { method: 'POST', headers: { 'content-type': 'image/png' }, body: picture };
    const stored = (await (await send('/media', init)).json()) as { id: string };
    const read = Buffer.from(await (await send(`/media/${stored.id}`)).arrayBuffer());
    expect(read.equals(picture)).toBe(true);

    const rows = Buffer.from(`${JSON.stringify({ text: 'x'.repeat(999) })}\n`.repeat(50_000));
    const upload = await send('/uploads', { method: 'POST', body: rows });
    expect(await upload.json()).toMatchObject({
      id: createHash('sha256').update(rows).digest('hex'),
      bytes: rows.length,
    });
  });

  it('passes events on as they come', async () => {
    const body = `${JSON.stringify({ text: 'a red bus', id: 'bus' })}\n`;
    const { id } = (await (await send('/uploads', { method: 'POST', body })).json()) as { id: string };
    const { ingestBulk } = await ask<{ ingestBulk: { job: { id: string } } }>(
      `mutation { ingestBulk(input: {uploadId: "${id}"}) { job { id } } }`,
    );
    const job = ingestBulk.job.id;
    const stream = await post(`subscription { jobProgress(id: "${job}") { state } }`, {
      accept: 'text/event-stream',
    });
    const events = eventsOf(stream);
    // No process does jobs, so this one changes only after the first event has arrived.
    expect((await events.next()).value?.data).toContain('QUEUED');
    await ask(`mutation { cancelJob(id: "${job}") { errors { code } } }`);
    expect((await events.next()).value?.data).toContain('CANCELLED');
    expect((await events.next()).value?.event).toBe('complete');
  });

  it('passes on that a budget is used up', async () => {
    const { createKey } = await ask<{ createKey: { secret: string } }>(
      'mutation { createKey(name: "a partner", costPerMinute: 10) { secret } }',
    );
    const answers = [];
    for (let i = 0; i < 6; i += 1) answers.push(await post(SEARCH, { key: createKey.secret }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429, 429, 429]);
    expect(Number(answers[5]?.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('passes all requests to the other server while one stops', async () => {
    const [stays] = servers;
    const ends = await start(2, '5');
    if (stays === undefined) throw new Error('no server');
    const own = await startProxy(folder, [stays, ends]);
    proxies.push(own);
    servers.push(ends);
    const statuses = new Set<number>();
    let isDone = false;
    const clients = Array.from({ length: 4 }, async () => {
      while (!isDone) statuses.add((await post(SEARCH, { to: own })).status);
    });
    await expect.poll(() => answered[2]).toBeGreaterThan(20);
    expect(await ends.stop()).toBe(0);
    const before = answered[0] ?? 0;
    await expect.poll(() => answered[0]).toBeGreaterThan(before + 50);
    isDone = true;
    await Promise.all(clients);
    expect([...statuses]).toEqual([200]);
  });
});
