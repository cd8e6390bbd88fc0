import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, QUICK } from '../support/app.js';
import { withClient } from '../support/lost-connection.js';
import { HAS_POSTGRES } from '../support/own-postgres.js';
import { openReplicatedServers, type ReplicatedServers } from '../support/replicated-servers.js';

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
    beforeEach(() => servers.used(2, 0.3));
    afterAll(() => servers.close());

    async function post(query: string, headers: Record<string, string> = {}, server = 0): Promise<Response> {
      return await fetch(`${servers.addresses[server]}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
    }
    /** Streams of the first server. */
    async function streams(): Promise<number> {
      const metrics = await (await fetch(`${servers.addresses[0]}/metrics`)).text();
      return Number(/^commonspace_streams (\d+)$/m.exec(metrics)?.[1]);
    }
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
      const searches = onReplicas.map(
        (statements) => statements.filter((text) => text.includes('vectors.embedding')).length,
      );
      expect(Math.min(...searches)).toBeGreaterThan(0);
      expect(searches.reduce((sum, one) => sum + one, 0)).toBe(8);
      await client.ingest([{ externalId: 'a write', content: { text: 'a write' } }]);
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
        const picture = await client.upload(new Blob([new Uint8Array(await drawShape('ring', 'black', 17))]));
        for (let read = 0; read < 2; read += 1)
          expect((await client.search({ query: { mediaId: picture.id }, target: 'TEXT' })).edges).not.toEqual(
            [],
          );
      } finally {
        await servers.onReplicas('SELECT pg_wal_replay_resume()');
      }
    });

    it('let a reader of events see what they tell', async () => {
      const client = servers.balanced();
      await servers.onReplicas('SELECT pg_wal_replay_pause()');
      try {
        const pages = client.followItemChanges();
        const told = (async () => {
          for (;;) {
            const { value } = await pages.next();
            const [change] = value?.nodes ?? [];
            if (change !== undefined) return change.itemId;
          }
        })();
        // The subscription has begun when the first server has a stream.
        await expect.poll(streams).toBe(1);
        await servers
          .balanced()
          .ingest([{ externalId: 'told', content: { text: 'a text for the change feed' } }]);
        const id = await told;
        for (let read = 0; read < 2; read += 1) expect(await client.item({ id })).not.toBeNull();
        await pages.return();
      } finally {
        await servers.onReplicas('SELECT pg_wal_replay_resume()');
      }
    });

    it('let no reader see an older state than before', async () => {
      const [, behind] = servers.replicas;
      if (behind === undefined) throw new Error('no second replica');
      const client = servers.balanced();
      const run = (statement: string) => withClient(behind.url, (admin) => admin.query(statement));
      await run('SELECT pg_wal_replay_pause()');
      try {
        await servers.balanced().ingest([{ externalId: 'seen', content: { text: 'a text that is seen' } }]);
        const isSeen = async () => (await client.item({ externalId: 'seen' })) !== null;
        await expect.poll(isSeen, { interval: 1 }).toBe(true);
        for (let read = 0; read < 20; read += 1) expect(await isSeen(), String(read)).toBe(true);
      } finally {
        await run('SELECT pg_wal_replay_resume()');
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
      // It reads nothing.
      expect((await post('{ __typename }')).headers.get(HEADER)).toBeNull();
      const read = (await post(count.query, { [HEADER]: position })).headers.get(HEADER);
      expect(read?.localeCompare(position)).toBeGreaterThanOrEqual(0);
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
      const after = (await post(count.query, { [HEADER]: valid })).headers.get(HEADER);
      expect(after?.localeCompare(valid)).toBeGreaterThanOrEqual(0);
    });
  },
);
