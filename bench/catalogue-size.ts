/**
 * Bytes of each table and index of a catalogue, measured and by the formulas of `commonspace size`; and the speed of index builds.
 *
 *   npm run bench -- catalogue-size [options]
 *
 *   --database URL  a Postgres server with pgvector (default: DATABASE_URL). The benchmark creates a database of its own and drops it.
 *   --pictures N    (default: 60000)
 *   --captions N    texts of a picture (default: 1)
 *   --dimensions I,T,E  numbers of image features, text features, embeddings (default: 2032,1024,64)
 *   --builds        builds indexes on random vectors instead, with one process and with two
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import pg from 'pg';
import { openCatalog } from '../src/catalog/catalog.js';
import { catalogueSize } from '../src/domain/size/catalogue-size.js';
import { contentsOf, measuredBytes, type Sized, storeSized } from '../test/support/sized-catalogue.js';

const { values: options } = parseArgs({
  options: {
    database: { type: 'string' },
    pictures: { type: 'string', default: '60000' },
    captions: { type: 'string', default: '1' },
    dimensions: { type: 'string', default: '2032,1024,64' },
    builds: { type: 'boolean', default: false },
  },
});

/** Smaller relations are not listed. */
const LISTED = 2 ** 20;
/** Dimensions and numbers of vectors. */
const BUILDS = [
  [64, 100_000],
  [1024, 30_000],
  [2032, 15_000],
] as const;

const server = options.database ?? process.env.DATABASE_URL;
if (!server) throw new Error('name a Postgres by --database or DATABASE_URL');
const name = `bench_${randomBytes(6).toString('hex')}`;
const url = new URL(server);
url.pathname = `/${name}`;
await onServer(server, [`CREATE DATABASE ${name}`]);
try {
  if (options.builds) await measureBuilds();
  else await measureSizes();
} finally {
  await onServer(server, [`DROP DATABASE ${name} WITH (FORCE)`]);
}

async function measureSizes(): Promise<void> {
  const [imageDimension = 0, textDimension = 0, embeddingDimension = 0] = options.dimensions
    .split(',')
    .map(Number);
  const sized: Sized = {
    pictures: Number(options.pictures),
    captions: Number(options.captions),
    imageDimension,
    textDimension,
    embeddingDimension,
    encoders: 1,
  };
  const catalog = await openCatalog({ databaseUrl: url.href });
  try {
    await storeSized(catalog, sized);
    const contents = await contentsOf(catalog, sized);
    const measured = await measuredBytes(catalog);
    const items = contents.pictures + contents.texts;
    const rows = new Table({ head: ['relation', 'bytes an item', 'formula', 'error'] });
    for (const { name, bytes } of catalogueSize(contents).sort((a, b) => b.bytes - a.bytes)) {
      const real = measured.get(name) ?? 0;
      if (real < LISTED) continue;
      const error = `${(100 * (bytes / real - 1)).toFixed(1)} %`;
      rows.push([name, (real / items).toFixed(1), (bytes / items).toFixed(1), error]);
    }
    process.stdout.write(`${rows}\n${JSON.stringify(contents)}\n`);
  } finally {
    await catalog.close();
  }
}

async function measureBuilds(): Promise<void> {
  for (const [dimension, vectors] of BUILDS) {
    await onServer(url.href, [
      'CREATE EXTENSION IF NOT EXISTS vector',
      `CREATE TABLE vectors_${dimension} (vec vector) WITH (toast_tuple_target = 8160)`,
      `INSERT INTO vectors_${dimension} SELECT (SELECT l2_normalize(array_agg(random() + random() - 1 + (n % 40 = i % 40)::int * .5)::vector)
         FROM generate_series(1, ${dimension}) i) FROM generate_series(1, ${vectors}) n`,
    ]);
    for (const workers of [0, 1]) {
      const start = performance.now();
      await onServer(url.href, [
        `SET maintenance_work_mem = '1GB'`,
        `SET max_parallel_maintenance_workers = ${workers}`,
        `CREATE INDEX built ON vectors_${dimension} USING hnsw ((vec::halfvec(${dimension})) halfvec_ip_ops)`,
      ]);
      const seconds = (performance.now() - start) / 1000;
      process.stdout.write(
        `${vectors} × ${dimension}, ${1 + workers} processes: ${seconds.toFixed(1)} s, ${((1000 * seconds) / vectors).toFixed(2)} ms a vector\n`,
      );
      await onServer(url.href, ['DROP INDEX built']);
    }
  }
}

async function onServer(address: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: address });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
