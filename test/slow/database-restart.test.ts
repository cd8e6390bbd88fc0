import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_POSTGRES, OwnPostgres } from '../support/own-postgres.js';
import { type GraphqlAnswer, ServerProcess } from '../support/server-process.js';

const RESTARTS = 5;
const SERVERS = 2;
const SEARCHERS = 4;
/** The codes of errors that pass. */
const PASSING = ['DATABASE_UNREACHABLE', 'BUSY', 'DATABASE_TIMEOUT'];
const SLOWEST_MS = 20_000;

const SEARCH = '{ crossModalSearch(query: {text: "item 1"}, by: [LEXICAL]) { edges { node { id } } } }';
const INGEST = `mutation ($id: String!) { ingest(input: {items: [{externalId: $id, content: {text: $id}}]}) {
  results { status error { code } } } }`;
const ITEM = 'query ($id: String!) { item(externalId: $id) { id } }';

interface Ingested {
  readonly ingest: { readonly results: readonly { readonly error: { readonly code: string } | null }[] };
}

describe.skipIf(!HAS_POSTGRES)(
  `restarts of the database under the load of two servers${HAS_POSTGRES ? '' : ' (no native Postgres)'}`,
  () => {
    let postgres: OwnPostgres;
    let folder: string;
    let servers: ServerProcess[];
    let loaded = true;
    const answers: (GraphqlAnswer & { readonly ms: number })[] = [];
    const acknowledged: string[] = [];
    beforeAll(async () => {
      postgres = await OwnPostgres.create();
      folder = await mkdtemp(join(tmpdir(), 'commonspace-restart-'));
      const env = { DATABASE_URL: await postgres.start(), COMMONSPACE_LOG_LEVEL: 'silent' };
      servers = [];
      for (let i = 0; i < SERVERS; i += 1) servers.push(await ServerProcess.start(folder, env));
    });
    afterAll(async () => {
      for (const server of servers) expect(await server.stop()).toBe(0);
      await postgres.remove();
      await rm(folder, { recursive: true, force: true });
    });

    async function send(server: ServerProcess, query: string, variables = {}): Promise<GraphqlAnswer> {
      const started = performance.now();
      const answer = await server.send(query, variables);
      answers.push({ ...answer, ms: performance.now() - started });
      return answer;
    }

    async function search(server: ServerProcess): Promise<void> {
      while (loaded) {
        await send(server, SEARCH);
        await setTimeout(5);
      }
    }

    async function ingest(server: ServerProcess, name: string): Promise<void> {
      for (let i = 0; loaded; i += 1) {
        const id = `item ${i} of ${name}`;
        const { data } = await send(server, INGEST, { id });
        const result = (data as Ingested | null)?.ingest.results[0];
        if (result === undefined) continue;
        if (result.error === null) acknowledged.push(id);
        else expect(PASSING).toContain(result.error.code);
      }
    }

    it('fail requests fast and typed, lose nothing that was acknowledged, and the servers recover by themselves', async () => {
      const load = servers.flatMap((server, i) => [
        ingest(server, `server ${i}`),
        ...Array.from({ length: SEARCHERS }, () => search(server)),
      ]);
      for (let restart = 0; restart < RESTARTS; restart += 1) {
        await setTimeout(500);
        await postgres.stop();
        await setTimeout(300);
        await postgres.start();
        const before = answers.length;
        await expect
          .poll(() => answers.slice(before).filter(({ status }) => status === 200).length, {
            timeout: 30_000,
          })
          .toBeGreaterThan(2 * SEARCHERS);
      }
      loaded = false;
      await Promise.all(load);

      const failed = answers.filter(({ codes }) => codes.length > 0);
      const slowest = Math.max(...failed.map(({ ms }) => ms));
      console.log(
        `${answers.length} answers, ${failed.length} failed, the slowest of them after ${Math.round(slowest)} ms; ${acknowledged.length} items acknowledged`,
      );
      expect(failed.length).toBeGreaterThan(RESTARTS);
      expect(failed.flatMap(({ codes }) => codes.filter((code) => !PASSING.includes(code)))).toEqual([]);
      expect(new Set(failed.map(({ status }) => status))).toEqual(new Set([503]));
      expect(failed.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(SLOWEST_MS);
      expect(acknowledged.length).toBeGreaterThan(RESTARTS);
      for (const [i, id] of acknowledged.entries()) {
        const server = servers[i % SERVERS];
        expect((await server?.send(ITEM, { id }))?.data?.item, id).not.toBeNull();
      }
    }, 300_000);
  },
);
