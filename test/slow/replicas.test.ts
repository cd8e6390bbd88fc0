import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { inRequest, readFromReplicas } from '../../src/platform/request-work.js';
import { ingestShapes, QUICK } from '../support/app.js';
import { withClient } from '../support/lost-connection.js';
import { HAS_POSTGRES } from '../support/own-postgres.js';
import { LAG_SECONDS, openReplicatedServers, type ReplicatedServers } from '../support/replicated-servers.js';

const HEADER = 'x-commonspace-position';
const SEARCH = { query: { text: 'a red circle' }, target: 'IMAGE', first: 3 } as const;

describe.skipIf(!HAS_POSTGRES)(
  `two servers on a primary and two replicas${HAS_POSTGRES ? '' : ' (no native Postgres)'}`,
  () => {
    let servers: ReplicatedServers;
    beforeAll(async () => {
      servers = await openReplicatedServers();
      const [app] = servers.apps;
      if (app === undefined) throw new Error('no server');
      await ingestShapes(app);
      await app.training.train(QUICK);
    });
    // A read does not wait for a replica that lagged at its latest check.
    beforeEach(() => used(2, 0.3));
    afterAll(() => servers.close());

    /** Resolves when both servers use this number of replicas, which lag by this number of seconds at most. */
    async function used(count: number, lag = LAG_SECONDS): Promise<void> {
      const counts = async () =>
        Promise.all(
          servers.apps.map(
            async ({ gauges }) =>
              (await gauges.read()).replicas.filter(
                ({ used: isUsed, lagSeconds }) => isUsed && (lagSeconds ?? 0) <= lag,
              ).length,
          ),
        );
      await expect.poll(counts, { interval: 50 }).toEqual([count, count]);
    }

    async function post(query: string, headers: Record<string, string> = {}, server = 0): Promise<Response> {
      return await fetch(`${servers.addresses[server]}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
    }
    const ingest = (id: string) => servers.balanced().ingest([{ externalId: id, content: { text: id } }]);
    const count = { query: '{ items(first: 1) { totalCount } }' };

    it('send all statements of searches and lists to the replicas in turn, and those of writes to the primary', async () => {
      const client = servers.balanced();
      const nodes = [servers.primary, ...servers.replicas];
      // The access of callers is checked on the primary, at most every five seconds.
      for (let i = 0; i < 4; i += 1) await client.search(SEARCH);
      await Promise.all(nodes.map((node) => servers.statements(node)));
      for (let i = 0; i < 8; i += 1) expect((await client.search(SEARCH)).edges).toHaveLength(3);
      await client.items({ first: 5 });
      await client.classes({});
      await client.encoders({});
      await client.itemChanges({});
      const [onPrimary = [], ...onReplicas] = await Promise.all(
        nodes.map((node) => servers.statements(node)),
      );
      expect(onPrimary.filter((text) => !text.includes('api_key'))).toEqual([]);
      // Each server goes to its replicas in turn.
      for (const statements of onReplicas) {
        expect(statements.filter((text) => text.includes('vectors.embedding'))).toHaveLength(4);
      }
      await ingest('a write');
      expect((await servers.statements(servers.primary)).join()).toContain('INSERT INTO item');
    });

    it('let a writer see its writes on both servers, also while the replicas replay nothing', async () => {
      const client = servers.balanced();
      await servers.onReplicas('SELECT pg_wal_replay_pause()');
      try {
        // Without the header, the other server does not know of the write.
        const forgetful = servers.balanced({ withoutPosition: true });
        await forgetful.ingest([{ externalId: 'forgotten', content: { text: 'a forgotten text' } }]);
        expect(await forgetful.item({ externalId: 'forgotten' })).toBeNull();
        // The same server does.
        expect(await forgetful.item({ externalId: 'forgotten' })).not.toBeNull();
        for (let i = 0; i < 4; i += 1) {
          await client.ingest([{ externalId: `own ${i}`, content: { text: `own text ${i}` } }]);
          // In turn: each server answers one of them.
          for (let read = 0; read < 2; read += 1)
            expect(await client.item({ externalId: `own ${i}` })).not.toBeNull();
        }
      } finally {
        await servers.onReplicas('SELECT pg_wal_replay_resume()');
      }
    });

    it('wait for a replica that replays the write in time', async () => {
      const nodes = [servers.primary, ...servers.replicas];
      const client = servers.balanced();
      await client.item({ externalId: 'none' });
      await Promise.all(nodes.map((node) => servers.statements(node)));
      for (let i = 0; i < 10; i += 1) {
        await client.ingest([{ externalId: `soon ${i}`, content: { text: `soon ${i}` } }]);
        expect(await client.item({ externalId: `soon ${i}` })).not.toBeNull();
        expect(await client.item({ externalId: `soon ${i}` })).not.toBeNull();
      }
      const reads = await Promise.all(
        nodes.map(async (node) =>
          (await servers.statements(node)).filter((text) => /SELECT .*"external_id" = \$1/.test(text)),
        ),
      );
      const [onPrimary = 0, ...onReplicas] = reads.map(({ length }) => length);
      expect(onPrimary).toBeLessThan(5);
      expect(onReplicas.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(20 - 5);
    });

    it('answer writes with a position that only grows, refuse malformed ones, and replace one of another database', async () => {
      const mutation = (name: string) => `mutation { createClass(name: "${name}") { errors { code } } }`;
      const one = await post(mutation('one'));
      const position = one.headers.get(HEADER) ?? '';
      expect(position).toMatch(/^[0-9a-f]{16}$/);
      expect((await post(mutation('two'), {}, 1)).headers.get(HEADER)?.localeCompare(position)).toBe(1);
      expect((await post(count.query)).headers.get(HEADER)).toBeNull();
      const malformed = await post(count.query, { [HEADER]: '0/16B3748' });
      expect(malformed.status).toBe(400);
      expect(((await malformed.json()) as { error: object }).error).toMatchObject({
        code: 'BAD_INPUT',
        field: [HEADER],
      });

      const beyond = await post(count.query, { [HEADER]: 'f'.repeat(16) });
      const counted = (await beyond.json()) as { data: { items: { totalCount: number } } };
      expect(counted.data.items.totalCount).toBeGreaterThan(0);
      const valid = beyond.headers.get(HEADER) ?? '';
      expect(valid.localeCompare(position)).toBe(1);
      expect((await post(count.query, { [HEADER]: valid })).headers.get(HEADER)).toBeNull();
    });

    it('leave out replicas that lag, and take them back', async () => {
      const client = servers.balanced();
      await servers.onReplicas('SELECT pg_wal_replay_pause()');
      const [app] = servers.apps;
      const before = servers.reports.length;
      try {
        await ingest('beyond the replicas');
        await used(0);
        expect(await client.item({ externalId: 'beyond the replicas' })).not.toBeNull();
        const findings = (await app?.checks.run())?.filter(({ check }) => check === 'replicas');
        expect(findings?.map(({ level }) => level)).toEqual(['warning', 'warning']);
        const replicas = (await app?.gauges.read())?.replicas ?? [];
        for (const { lagSeconds } of replicas) expect(lagSeconds).toBeGreaterThan(LAG_SECONDS);
      } finally {
        await servers.onReplicas('SELECT pg_wal_replay_resume()');
      }
      await used(2);
      const findings = (await app?.checks.run())?.filter(({ check }) => check === 'replicas');
      expect(findings?.map(({ level }) => level)).toEqual(['ok', 'ok']);
      expect(
        servers.reports.slice(before).filter((text) => /left out: it lags by \d+ ms/.test(text)),
      ).toHaveLength(4);
      const metrics = await (await fetch(`${servers.addresses[0]}/metrics`)).text();
      expect(metrics.match(/^commonspace_replica_used\{replica="127.0.0.1:\d+"\} 1$/gm)).toHaveLength(2);
      expect(metrics.match(/^commonspace_replica_lag_seconds\{/gm)).toHaveLength(2);
    });

    it('fail no request when replicas are stopped or their connections cut, and take them back', async () => {
      const client = servers.balanced();
      let loaded = true;
      let answered = 0;
      const failures: unknown[] = [];
      const search = async () => {
        while (loaded) {
          await client.search(SEARCH).then(
            () => {
              answered += 1;
            },
            (error: unknown) => failures.push(error),
          );
          await setTimeout(5);
        }
      };
      const load = Array.from({ length: 4 }, search);
      for (const { postgres, url } of servers.replicas) {
        await withClient(url, (admin) =>
          admin.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'commonspace%'`,
          ),
        );
        await setTimeout(300);
        await used(2);
        await postgres.stop();
        await used(1);
        await setTimeout(300);
        await postgres.start();
        await used(2);
      }
      for (const { postgres } of servers.replicas) await postgres.stop();
      await used(0);
      const before = answered;
      await expect.poll(() => answered).toBeGreaterThan(before + 8);
      for (const { postgres } of servers.replicas) await postgres.start();
      await used(2);
      loaded = false;
      await Promise.all(load);
      console.log(`${answered} searches, ${failures.length} failed`);
      expect(failures).toEqual([]);
      expect(answered).toBeGreaterThan(50);
    });

    it('repeat a read on the primary that conflicts with what its replica replays', async () => {
      const catalog = await openCatalog({
        databaseUrl: servers.primary.url,
        replicaUrls: servers.replicas.map(({ url }) => url),
      });
      try {
        await catalog.database.replicas?.check();
        const read = inRequest(() => {
          readFromReplicas(0n);
          return catalog.database.runOnce<{ replica: boolean; classes: number }>(
            `SELECT pg_is_in_recovery() AS replica, count(*)::int AS classes
             FROM class WHERE CASE WHEN pg_is_in_recovery() THEN pg_sleep(3) IS NOT NULL ELSE true END`,
          );
        });
        await setTimeout(500);
        // The replica ends statements on the table to replay this.
        await withClient(servers.primary.url, (client) =>
          client.query('BEGIN; LOCK TABLE class IN ACCESS EXCLUSIVE MODE; COMMIT'),
        );
        const [row] = await read;
        expect(row?.replica).toBe(false);
        expect(row?.classes).toBeGreaterThan(0);
        expect(catalog.database.replicas?.reports.map(({ state }) => state.kind)).toEqual([
          'usable',
          'usable',
        ]);
      } finally {
        await catalog.close();
      }
    });
  },
);
