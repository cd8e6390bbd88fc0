import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { createDistributedDatabase } from './citus.js';
import { onServer, withDatabase } from './servers.js';

/** Where tests of the catalogue run: always on the embedded server, and on a real one where TEST_DATABASE_URL names it. */
export type DatabaseKind = Catalog['kind'];

export interface TestCatalog {
  readonly catalog: Catalog;
  /** A folder for pictures and the like, removed at the end. */
  readonly dataDir: string;
  /** Address of the native server's database; null on the embedded one. */
  readonly url: string | null;
  /** Closes it and leaves nothing behind. */
  dispose(): Promise<void>;
}

/**
 * A fresh, empty catalogue.
 *
 * @param onError receives errors of connections
 */
export async function openTestCatalog(
  kind: DatabaseKind = 'embedded',
  onError: (error: Error) => void = () => {},
): Promise<TestCatalog> {
  const dataDir = await mkdtemp(join(tmpdir(), 'commonspace-test-'));
  const database = kind === 'server' ? await createTestDatabase() : null;
  const catalog = await openCatalog({
    dataDir,
    databaseUrl: database?.url ?? null,
    sharedBuffers: 32,
    onError,
  });
  return {
    catalog,
    dataDir,
    url: database?.url ?? null,
    async dispose() {
      await catalog.close();
      await database?.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Where tests with a server run: TEST_CITUS_URL, a distributed one, goes before TEST_DATABASE_URL. */
const TEST_SERVER = process.env.TEST_CITUS_URL ?? process.env.TEST_DATABASE_URL;

/** An empty database of a random name on the test server. */
export async function createTestDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }> {
  if (process.env.TEST_CITUS_URL) return await createDistributedDatabase(process.env.TEST_CITUS_URL);
  const server = TEST_SERVER;
  if (!server) throw new Error('TEST_DATABASE_URL is not set');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  const url = withDatabase(server, name);
  const drop = async () => {
    await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
  };
  return { url, drop };
}

/** Describes the same behaviour on each kind of database there is. */
export function describeOnEachKind(name: string, body: (kind: DatabaseKind) => void): void {
  for (const kind of ['embedded', 'server'] as const) {
    const missing = kind === 'server' && !TEST_SERVER;
    describe.skipIf(missing)(`${name} (${missing ? 'server: TEST_DATABASE_URL is not set' : kind})`, () => {
      body(kind);
    });
  }
}

/** The same with a catalogue on each; `catalog()` is one that all tests of the block share. */
export function describeOnEachDatabase(name: string, body: (catalog: () => Catalog) => void): void {
  describeOnEachKind(name, (kind) => {
    let opened: TestCatalog | undefined;
    beforeAll(async () => {
      opened = await openTestCatalog(kind);
    });
    afterAll(() => opened?.dispose());
    body(() => {
      if (!opened) throw new Error('the catalogue is open only while tests run');
      return opened.catalog;
    });
  });
}

/** Removes all rows, so that a test starts from nothing. */
export async function emptyCatalog(catalog: Catalog): Promise<void> {
  await catalog.database.runOnce('TRUNCATE item, pair, class, media, encoder CASCADE');
}
