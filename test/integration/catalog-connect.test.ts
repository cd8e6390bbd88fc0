import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { startWorker } from '../../src/catalog/postgres/embedded-server.js';
import { findTemplate } from '../../src/catalog/postgres/embedded-template.js';
import type { CommonspaceError } from '../../src/domain/errors.js';

const PASSWORD = 'a-very-secret-word';

describe('openCatalog with a DATABASE_URL', () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function failure(databaseUrl: string): Promise<CommonspaceError> {
    try {
      const catalog = await openCatalog({ databaseUrl, connectTimeoutMs: 300 });
      await catalog.close();
    } catch (error) {
      // Neither the message nor the logged error may contain the password.
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
      return error as CommonspaceError;
    }
    throw new Error('the catalogue opened');
  }

  async function listen(server: Server): Promise<number> {
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  const unreachable = (reason: RegExp) => ({
    code: 'DATABASE_UNREACHABLE',
    message: expect.stringMatching(new RegExp(`DATABASE_URL.*${reason.source}`)),
  });

  it('fails where no server listens', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((done) => server.close(done));
    const error = await failure(`postgresql://me:${PASSWORD}@127.0.0.1:${port}/name`);
    expect(error).toMatchObject(unreachable(new RegExp(`127.0.0.1:${port}/name.*ECONNREFUSED`)));
  });

  it('fails with a timeout if the server accepts the connection and sends nothing', async () => {
    const server = createServer((socket) => ends.push(async () => socket.destroy()));
    const port = await listen(server);
    ends.push(() => new Promise((done) => server.close(done)));
    const error = await failure(`postgresql://me:${PASSWORD}@127.0.0.1:${port}/name`);
    expect(error).toMatchObject(unreachable(/timeout/));
  });

  it('fails for a host without an address, and for an invalid URL', async () => {
    const url = `postgresql://me:${PASSWORD}@no-such-host.invalid/name`;
    expect(await failure(url)).toMatchObject(unreachable(/no-such-host.invalid/));
    expect(await failure(`postgresql://me:${PASSWORD}@host:notaport/name`)).toMatchObject(
      unreachable(/address/),
    );
  });

  it.each([
    { extensions: [], code: 'PGVECTOR_MISSING', message: /DATABASE_URL.*pgvector/ },
    { extensions: ['vector'], code: 'PG_TRGM_MISSING', message: /DATABASE_URL.*pg_trgm.*contrib/ },
  ] as const)('fails with $code on a server with the extensions $extensions', async (missing) => {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-no-vector-'));
    ends.push(() => rm(folder, { recursive: true }));
    // PGlite without an extension is a real Postgres without it.
    const server = await startWorker({
      databaseDir: join(folder, 'db'),
      socketDir: join(folder, 'run'),
      template: await findTemplate(),
      sharedBuffers: 32,
      maxConnections: 4,
      extensions: missing.extensions,
    });
    ends.push(() => server.close());
    const url = new URL(`postgresql://postgres:${PASSWORD}@localhost:${server.port}/postgres`);
    url.searchParams.set('host', server.host);
    expect(await failure(url.href)).toMatchObject({
      code: missing.code,
      message: expect.stringMatching(missing.message),
    });
  });
});
