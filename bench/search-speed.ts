/**
 * Speed of searches through the running server, as a user gets them, beside the same SQL through `pg` alone. Run it after
 * `npm run build`, with a trained catalogue (`npm run demo -- --exit`), whose vectors the synthetic pairs are made from.
 *
 *   npm run bench -- search-speed [options]
 *
 *   --database URL  a Postgres server with pgvector (default: DATABASE_URL; scripts/native-postgres.sh starts one). The
 *                   benchmark creates a database of its own there and drops it.
 *   --sizes LIST    numbers of pairs on that server (default: 10000,100000,1000000)
 *   --features N    pairs that have features too; the others have embeddings alone (default: 100000)
 *   --embedded N    pairs in an embedded database; 0 leaves it out (default: 10000)
 *   --base DIR      data folder of the trained catalogue (default: ./data)
 *   --json FILE     output file of the JSON (default: bench/results/search-speed.json)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import pg from 'pg';
import { openCatalog } from '../src/catalog/catalog.js';
import { type Base, readBase, Synthetic } from './search-speed-data.js';
import { BareSql, Http, type Timing, time } from './search-speed-measure.js';
import { type SearchParts, searchParts } from './search-speed-parts.js';

interface Row {
  readonly database: 'embedded' | 'server';
  readonly pairs: number;
  readonly what: string;
  readonly http: Timing;
  /** The same SQL through `pg`; null where it is not one statement, or the database is embedded. */
  readonly sql: Timing | null;
  /** Of the first ten, against a comparison with every row. */
  readonly recall: number | null;
  /** What it consists of; null where that is not measured. */
  readonly parts: SearchParts | null;
}

const PAGE = 'edges { score node { id } }';
const BY_VECTOR = `query($vector: [Float!], $filter: ItemFilter) {
  crossModalSearch(query: {vector: $vector}, target: IMAGE, by: [CONTENT], filter: $filter, first: 20) { ${PAGE} } }`;
const BY_TEXT = `query($text: String) { crossModalSearch(query: {text: $text}, target: IMAGE, first: 20) { ${PAGE} } }`;
const CLASSIFY =
  'query($vector: [Float!]) { classify(query: {vector: $vector}) { class { name } probability } }';
const CLASSES = '{ classes(first: 50) { nodes { name itemCount } } }';
const ITEMS = '{ items(first: 20) { nodes { id title } } }';
const QUERIES = 600;
/** Queries whose searches are also measured part by part. */
const PARTED = 80;
const RECALL_QUERIES = 50;

const { values: options } = parseArgs({
  options: {
    database: { type: 'string' },
    sizes: { type: 'string', default: '10000,100000,1000000' },
    features: { type: 'string', default: '100000' },
    embedded: { type: 'string', default: '10000' },
    base: { type: 'string', default: './data' },
    json: { type: 'string', default: 'bench/results/search-speed.json' },
  },
});
const note = (text: string) => process.stderr.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
const rows: Row[] = [];
const builds: { readonly pairs: number; readonly seconds: number; readonly indexes: number }[] = [];
try {
  // A copy, because opening it locks the folder and may migrate the database.
  await cp(join(options.base, 'postgres'), join(folder, 'base', 'postgres'), { recursive: true });
  const base = await readBase(join(folder, 'base'));
  note(`${base.pairs.length} pairs to make others from`);
  if (Number(options.embedded) > 0) await measureEmbedded(base, Number(options.embedded));
  const sizes = options.sizes
    .split(',')
    .filter((size) => size !== '' && size !== '0')
    .map(Number);
  if (sizes.length > 0) await measureServer(base, sizes);
} finally {
  await rm(folder, { recursive: true, force: true });
}
print();
await mkdir(dirname(options.json), { recursive: true });
const about = { node: process.version, cpus: cpus().length, features: Number(options.features), builds };
await writeFile(options.json, `${JSON.stringify({ ...about, rows }, null, 2)}\n`);

async function measureEmbedded(base: Base, pairs: number): Promise<void> {
  const dataDir = join(folder, 'embedded');
  const catalog = await openCatalog({ dataDir });
  const synthetic = new Synthetic(base, catalog);
  try {
    await synthetic.begin();
    await grow(synthetic, pairs);
    await catalog.indexes.ensure();
    await catalog.maintain();
  } finally {
    await catalog.close();
  }
  await measure({ database: 'embedded', pairs, synthetic, sql: null, args: ['--data', dataDir], env: {} });
}

async function measureServer(base: Base, sizes: readonly number[]): Promise<void> {
  const server = options.database ?? process.env.DATABASE_URL;
  if (!server) throw new Error('name a Postgres by --database or DATABASE_URL, or give --sizes 0');
  const name = `bench_${randomBytes(6).toString('hex')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  await onServer(server, `CREATE DATABASE ${name}`);
  try {
    const catalog = await openCatalog({ databaseUrl: url.href });
    const synthetic = new Synthetic(base, catalog);
    await synthetic.begin();
    try {
      for (const pairs of sizes) {
        await grow(synthetic, pairs);
        const start = performance.now();
        const indexes = (await catalog.indexes.ensure()).length;
        builds.push({ pairs, seconds: (performance.now() - start) / 1000, indexes });
        note(`${indexes} indexes in ${((performance.now() - start) / 1000).toFixed(0)} s`);
        await catalog.database.runOnce('VACUUM (ANALYZE)');
        const sql = await BareSql.open(url.href, base.encoder.id, base.encoder.dimension);
        const args = ['--data', join(folder, 'server')];
        await measure({ database: 'server', pairs, synthetic, sql, args, env: { DATABASE_URL: url.href } });
        await sql.close();
      }
    } finally {
      await catalog.close();
    }
  } finally {
    await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
  }
}

async function grow(synthetic: Synthetic, pairs: number): Promise<void> {
  let shown = performance.now();
  await synthetic.growTo(pairs, Number(options.features), (done) => {
    if (done < pairs && performance.now() - shown < 10_000) return;
    shown = performance.now();
    note(`stored ${done} of ${pairs} pairs`);
  });
}

interface Measured {
  readonly database: Row['database'];
  readonly pairs: number;
  readonly synthetic: Synthetic;
  readonly sql: BareSql | null;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

async function measure({ database, pairs, synthetic, sql, args, env }: Measured): Promise<void> {
  const { server, address } = await serve(args, env);
  const url = env.DATABASE_URL;
  const http = new Http(address);
  const vectors = Array.from({ length: QUERIES }, () => synthetic.query());
  const texts = Array.from({ length: QUERIES }, () => synthetic.queryText());
  const vector = (n: number) => vectors[n % QUERIES] as Float32Array;
  const byVector = (n: number, bucket: number | null) =>
    http.ask(BY_VECTOR, {
      vector: [...vector(n)],
      filter: bucket === null ? null : { metadata: { bucket } },
    });
  const add = async (
    what: string,
    call: (n: number) => Promise<unknown>,
    bare?: (n: number) => Promise<unknown>,
    recall?: number,
    parted?: Parameters<typeof searchParts>[2],
  ) => {
    note(`${database}, ${pairs} pairs: ${what}`);
    const timing = await time(call);
    const row = {
      database,
      pairs,
      what,
      http: timing,
      sql: bare && sql ? await time(bare) : null,
      recall: recall ?? null,
      parts: parted && url !== undefined ? await searchParts(url, folder, parted) : null,
    };
    rows.push(row);
  };
  const recallOf = async (bucket: (n: number) => number | null) => {
    if (sql === null) return undefined;
    let sum = 0;
    for (let n = 0; n < RECALL_QUERIES; n += 1) {
      const found = idsOf(await byVector(n, bucket(n))).slice(0, 10);
      sum += (await sql.exact(vector(n), bucket(n))).filter((id) => found.includes(id)).length / 10;
    }
    return sum / RECALL_QUERIES;
  };
  const tenth = (n: number) => n % 10;
  try {
    // Lets the server's code be optimised and its pages be read, so that the order of the rows does not matter.
    for (let n = 0; n < 200; n += 1) await byVector(n, null);
    await add(
      'by vector',
      (n) => byVector(n, null),
      (n) => sql?.nearest(vector(n), null) ?? Promise.resolve(),
      await recallOf(() => null),
      vectors.slice(0, PARTED).map((one) => ({ vector: [...one] })),
    );
    await add(
      'by vector, filter of 10 %',
      (n) => byVector(n, tenth(n)),
      (n) => sql?.nearest(vector(n), tenth(n)) ?? Promise.resolve(),
      await recallOf(tenth),
    );
    await add(
      'by text',
      (n) => http.ask(BY_TEXT, { text: texts[n % QUERIES] }),
      undefined,
      undefined,
      texts.slice(0, PARTED).map((text) => ({ text })),
    );
    await add('by text, known', () => http.ask(BY_TEXT, { text: texts[0] }));
    await add('classify', (n) => http.ask(CLASSIFY, { vector: [...vector(n)] }));
    await add('classes', () => http.ask(CLASSES, {}));
    await add(
      'items',
      () => http.ask(ITEMS, {}),
      () => sql?.items() ?? Promise.resolve(),
    );
  } finally {
    http.close();
    const ended = new Promise((resolve) => server.once('close', resolve));
    server.kill();
    await ended;
  }
}

function idsOf(data: Record<string, unknown>): string[] {
  const { edges } = data.crossModalSearch as { edges: { node: { id: string } }[] };
  return edges.map(({ node }) => node.id);
}

async function serve(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ server: ChildProcess; address: string }> {
  const server = spawn(process.execPath, ['dist/main.js', 'serve', ...args, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DATABASE_URL: undefined, COMMONSPACE_LOG_LEVEL: 'warn', ...env },
  });
  const address = await new Promise<string>((resolve, reject) => {
    server.once('close', () => reject(new Error('the server ended')));
    server.stdout?.on('data', (chunk) => {
      const match = /"address":"([^"]+)"/.exec(String(chunk));
      if (match?.[1]) resolve(match[1]);
    });
  });
  return { server, address };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

function print(): void {
  const table = new Table({
    head: [
      'database',
      'pairs',
      'what',
      'p50 ms',
      'p95 ms',
      '1 client/s',
      '8 clients/s',
      'SQL p50',
      'SQL 8/s',
      'ratio',
      'recall@10',
    ],
    style: { head: [], border: [] },
  });
  const ms = (value: number) => value.toFixed(2);
  for (const { database, pairs, what, http, sql, recall } of rows) {
    table.push([
      database,
      pairs,
      what,
      ms(http.p50),
      ms(http.p95),
      http.one.toFixed(0),
      http.eight.toFixed(0),
      sql ? ms(sql.p50) : '',
      sql ? sql.eight.toFixed(0) : '',
      sql ? (http.p50 / sql.p50).toFixed(1) : '',
      recall === null ? '' : recall.toFixed(3),
    ]);
  }
  console.log(table.toString());
  for (const { pairs, what, http, parts } of rows) {
    if (parts === null) continue;
    const { extraction, sql, statements } = parts;
    console.log(
      `${pairs} pairs, ${what}: extraction ${ms(extraction)} ms, ${statements} statements ${ms(sql)} ms; ` +
        `the search takes the extraction + ${((http.p50 - extraction) / sql).toFixed(1)} × its statements`,
    );
  }
}
