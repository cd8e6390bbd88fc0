import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { inRequest, readFromReplicas } from '../../src/platform/request-work.js';
import { ingestShapes } from '../support/app.js';
import { withClient } from '../support/lost-connection.js';
import { HAS_POSTGRES, OwnPostgres } from '../support/own-postgres.js';
import { LAG_SECONDS, openReplicatedServers, type ReplicatedServers } from '../support/replicated-servers.js';

const SEARCH = { query: { text: 'a red circle' }, first: 3 } as const;

describe.skipIf(!HAS_POSTGRES)(
  `replicas that lag or fail${HAS_POSTGRES ? '' : ' (no native Postgres)'}`,
  () => {
    let servers: ReplicatedServers;
    beforeAll(async () => {
      servers = await openReplicatedServers();
      const [app] = servers.apps;
      if (app === undefined) throw new Error('no server');
      await ingestShapes(app);
    });
    beforeEach(() => servers.used(2, 0.3));
    afterAll(() => servers.close());

    it('are left out while they lag, and taken back', async () => {
      const client = servers.balanced();
      await servers.onReplicas('SELECT pg_wal_replay_pause()');
      const [app] = servers.apps;
      const before = servers.reports.length;
      try {
        await client.ingest([{ externalId: 'beyond', content: { text: 'beyond the replicas' } }]);
        await servers.used(0);
        expect(await client.item({ externalId: 'beyond' })).not.toBeNull();
        const findings = (await app?.checks.run())?.filter(({ check }) => check === 'replicas');
        expect(findings?.map(({ level }) => level)).toEqual(['warning', 'warning']);
        const replicas = (await app?.gauges.read())?.replicas ?? [];
        for (const { lagSeconds } of replicas) expect(lagSeconds).toBeGreaterThan(LAG_SECONDS);
      } finally {
        await servers.onReplicas('SELECT pg_wal_replay_resume()');
      }
      await servers.used(2);
      const findings = (await app?.checks.run())?.filter(({ check }) => check === 'replicas');
      expect(findings?.map(({ level }) => level)).toEqual(['ok', 'ok']);
      expect(
        servers.reports.slice(before).filter((text) => /left out: it lags by \d+ ms/.test(text)),
      ).toHaveLength(4);
      const metrics = await (await fetch(`${servers.addresses[0]}/metrics`)).text();
      expect(metrics.match(/^commonspace_replica_used\{replica="127.0.0.1:\d+"\} 1$/gm)).toHaveLength(2);
      expect(metrics.match(/^commonspace_replica_lag_seconds\{/gm)).toHaveLength(2);
    });

    it('fail no request when they freeze, stop, or lose their connections, and are taken back', async () => {
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
        // It accepts connections, and answers nothing.
        await postgres.freeze();
        await servers.used(1);
        await postgres.thaw();
        await servers.used(2);
        await withClient(url, (admin) =>
          admin.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'commonspace%'`,
          ),
        );
        await setTimeout(300);
        await servers.used(2);
        await postgres.stop();
        await servers.used(1);
        await setTimeout(300);
        await postgres.start();
        await servers.used(2);
      }
      for (const { postgres } of servers.replicas) await postgres.stop();
      await servers.used(0);
      const before = answered;
      await expect.poll(() => answered).toBeGreaterThan(before + 8);
      for (const { postgres } of servers.replicas) await postgres.start();
      await servers.used(2);
      loaded = false;
      await Promise.all(load);
      console.log(`${answered} searches, ${failures.length} failed`);
      expect(failures).toEqual([]);
      expect(answered).toBeGreaterThan(50);
    });

    it('are not used if they belong to another primary, or are of another database', async () => {
      const [replica = servers.primary] = servers.replicas;
      const otherDatabase = new URL(replica.url);
      otherDatabase.pathname = '/template1';
      const reports: string[] = [];
      const other = await OwnPostgres.create();
      const catalog = await openCatalog({
        databaseUrl: servers.primary.url,
        replicaUrls: [servers.primary.url, otherDatabase.href, await other.start()],
        onError: (error) => reports.push(error.message),
      });
      try {
        await catalog.database.replicas?.check();
        expect(catalog.database.replicas?.reports.map(({ state }) => state)).toEqual([
          { kind: 'foreign', reason: expect.stringMatching(/^it does not replay/) },
          { kind: 'foreign', reason: 'its address names the database template1' },
          { kind: 'foreign', reason: 'it belongs to another primary' },
        ]);
        const read = inRequest(() => {
          readFromReplicas(0n);
          return catalog.classes.all();
        });
        expect((await read).length).toBeGreaterThan(0);
        // They were never in use.
        expect(reports).toEqual([]);
      } finally {
        await catalog.close();
        await other.remove();
      }
    });

    it('have a read repeated on the primary that conflicts with what they replay', async () => {
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
