import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';

const PROGRAMS = process.env.PGHOME ?? '/var/tmp/native-postgres';
const missing = !process.env.TEST_DATABASE_URL || !existsSync(PROGRAMS);
const RESTARTS = 5;
const SEARCHERS = 4;
/** The codes of errors that pass. */
const PASSING = ['DATABASE_UNREACHABLE', 'BUSY', 'DATABASE_TIMEOUT'];
const SLOWEST_MS = 20_000;

/** A server of this test alone, with the programs of scripts/native-postgres.sh. */
class OwnServer {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async create(): Promise<OwnServer> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-restart-'));
    // The server may run as another user.
    await chmod(folder, 0o755);
    return new OwnServer(folder, await freePort());
  }

  async start(): Promise<string> {
    return (await this.run('all')).trim().split('\n').at(-1) ?? '';
  }

  stop(): Promise<string> {
    return this.run('stop');
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(command: string): Promise<string> {
    const env = { ...process.env, DATA: join(this.folder, 'data'), PORT: String(this.port) };
    return (await promisify(execFile)('bash', ['scripts/native-postgres.sh', command], { env })).stdout;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

interface Answer {
  readonly status: number;
  readonly codes: readonly string[];
  readonly ms: number;
  readonly retryAfter: string | undefined;
}

describe.skipIf(missing)(
  `a restart of the database under load${missing ? ' (no native server)' : ''}`,
  () => {
    let server: OwnServer;
    let app: TestApp;
    let http: FastifyInstance;
    let loaded = true;
    const answers: Answer[] = [];
    const acknowledged: string[] = [];
    const configured = process.env.TEST_DATABASE_URL;
    beforeAll(async () => {
      server = await OwnServer.create();
      process.env.TEST_DATABASE_URL = await server.start();
      app = await openTestApp('server');
      http = await createApp({
        services: app,
        logger: pino({ level: 'silent' }),
        apiKeys: [],
        loopback: true,
      });
      await app.features.warmUp();
    });
    afterAll(async () => {
      await http.close();
      await app.close();
      process.env.TEST_DATABASE_URL = configured;
      await server.remove();
    });

    async function send(query: string): Promise<Record<string, unknown> | null> {
      const started = performance.now();
      const response = await http.inject({ method: 'POST', url: '/graphql', payload: { query } });
      const body = response.json();
      const codes = (body.errors ?? []).map(
        (error: { extensions: { code: string } }) => error.extensions.code,
      );
      const { 'retry-after': retryAfter } = response.headers;
      answers.push({
        status: response.statusCode,
        codes,
        ms: performance.now() - started,
        retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
      });
      return body.data;
    }

    async function search(): Promise<void> {
      while (loaded) {
        await send('{ crossModalSearch(query: {text: "item 1"}, by: [LEXICAL]) { edges { node { id } } } }');
        await setTimeout(5);
      }
    }

    async function ingest(): Promise<void> {
      for (let i = 0; loaded; i += 1) {
        const id = `item ${i}`;
        const data = await send(
          `mutation { ingest(input: {items: [{externalId: "${id}", content: {text: "${id}"}}]}) {
          results { status error { code } } } }`,
        );
        const result = (data?.ingest as { results: { status: string; error: { code: string } | null }[] })
          ?.results[0];
        if (result === undefined) continue;
        if (result.error === null) acknowledged.push(id);
        else expect(PASSING).toContain(result.error.code);
      }
    }

    it('fails requests fast and typed, keeps what it acknowledged, and recovers by itself', async () => {
      const load = [ingest(), ...Array.from({ length: SEARCHERS }, search)];
      const worked: number[] = [];
      for (let restart = 0; restart < RESTARTS; restart += 1) {
        await setTimeout(500);
        await server.stop();
        await setTimeout(300);
        await server.start();
        const before = answers.length;
        await expect
          .poll(() => answers.slice(before).filter(({ status }) => status === 200).length, {
            timeout: 30_000,
          })
          .toBeGreaterThan(SEARCHERS);
        worked.push(answers.length);
      }
      loaded = false;
      await Promise.all(load);

      const failed = answers.filter(({ codes }) => codes.length > 0);
      expect(failed.length).toBeGreaterThan(RESTARTS);
      expect(new Set(failed.flatMap(({ codes }) => codes.filter((code) => !PASSING.includes(code))))).toEqual(
        new Set(),
      );
      expect(new Set(failed.map(({ status }) => status))).toEqual(new Set([503]));
      expect(failed.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
      expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(SLOWEST_MS);
      expect(worked).toHaveLength(RESTARTS);
      expect(acknowledged.length).toBeGreaterThan(RESTARTS);
      for (const id of acknowledged) expect(await app.items.byExternalId(id), id).not.toBeNull();
      console.log(
        `${answers.length} answers, ${failed.length} failed, the slowest after ${Math.round(Math.max(...failed.map(({ ms }) => ms)))} ms; ${acknowledged.length} items acknowledged`,
      );
    }, 180_000);
  },
);
