/**
 * A catalogue on one Postgres beside the same one on Citus with two and three workers: speed of searches, recall against a
 * comparison with every row, whether exact rankings are the same, speed of ingests, and bytes on each node. It goes through
 * the catalogue as servers do, without HTTP.
 *
 *   npm run bench -- shards --plain URL --citus2 URL --citus3 URL [options]
 *
 * Each URL names an empty database; those of Citus are of a coordinator that knows its workers. What is not given is left
 * out. The rows stay there.
 *
 *   --vectors LIST  numbers of pictures with an embedding (default: 200000,1000000)
 *   --large LIST    places that have the sizes over 500000 too (default: plain,2 workers,3 workers)
 *   --shards N      parts of the vectors (default: that of `commonspace migrate --distribute`)
 *   --json FILE     output file of the JSON (default: bench/results/shards.json)
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import type { Ranking } from '../src/catalog/types.js';
import {
  dropVectorIndexes,
  type Growth,
  openPlace,
  type Place,
  queries,
  reopen,
  secondsOf,
} from './shards-data.js';
import { differing, nodeBytes, ranked, recallOf, SEARCHES, type Speed, speeds } from './shards-measure.js';

const QUERIES = 60;
const LARGE = 500_000;

interface SearchRow extends Speed {
  readonly vectors: number;
  readonly what: string;
  readonly place: Place['name'];
  /** Recall@20, against the exact rankings of the same place. */
  readonly recall: number;
  /** Exact rankings of the queries that are not those of the first place, in ids or similarities. */
  readonly differing: number;
}

interface GrowthRow extends Growth {
  readonly vectors: number;
  readonly place: Place['name'];
  readonly nodes: readonly { readonly node: string; readonly bytes: number }[];
}

const { values: options } = parseArgs({
  options: {
    plain: { type: 'string' },
    citus2: { type: 'string' },
    citus3: { type: 'string' },
    vectors: { type: 'string', default: '200000,1000000' },
    large: { type: 'string', default: 'plain,2 workers,3 workers' },
    shards: { type: 'string', default: '0' },
    json: { type: 'string', default: 'bench/results/shards.json' },
  },
});
const note = (text: string) => process.stderr.write(`${text}\n`);
const rows: SearchRow[] = [];
const growths: GrowthRow[] = [];
const places = await openPlaces();
const vectors = queries(QUERIES);
try {
  for (const size of options.vectors.split(',').map(Number)) {
    const large = options.large.split(',');
    await measure(
      size,
      places.filter(({ name }) => size <= LARGE || large.includes(name)),
    );
    await write();
  }
} finally {
  for (const { catalog } of places) await catalog.close();
}
print();

/** After each size, because a large one takes long. */
async function write(): Promise<void> {
  await mkdir(dirname(options.json), { recursive: true });
  const about = { node: process.version, cpus: cpus().length, queries: QUERIES };
  await writeFile(options.json, `${JSON.stringify({ ...about, rows, growths }, null, 2)}\n`);
}

async function openPlaces(): Promise<Place[]> {
  const given = [
    { name: 'plain', url: options.plain, shards: null },
    { name: '2 workers', url: options.citus2, shards: Number(options.shards) },
    { name: '3 workers', url: options.citus3, shards: Number(options.shards) },
  ] as const;
  const opened: Place[] = [];
  for (const { name, url, shards } of given) {
    if (url === undefined) note(`left out: ${name} (no address is given)`);
    else opened.push(await openPlace(name, url, shards));
  }
  if (opened.length === 0) throw new Error('name databases by --plain, --citus2 and --citus3');
  return opened;
}

async function measure(size: number, measured: readonly Place[]): Promise<void> {
  const grown = new Map<Place, Grown>();
  for (const place of measured) grown.set(place, await grow(size, place));
  const reference = [...grown.values()][0]?.exact ?? [];
  for (const [i, search] of SEARCHES.entries()) {
    for (const [place, speed] of await speeds(search, measured, vectors)) {
      note(`${size} vectors, ${place.name}, ${search.what}: ${speed.p50.toFixed(2)} ms`);
      const exact = grown.get(place)?.exact[i] ?? [];
      rows.push({
        vectors: size,
        what: search.what,
        place: place.name,
        ...speed,
        recall: recallOf(await ranked(search, place, vectors), exact),
        differing: differing(exact, reference[i] ?? []),
      });
    }
  }
  for (const [place, { growth }] of grown)
    growths.push({ ...growth, upserted: await place.made.upsert(place.catalog) });
}

interface Grown {
  /** Of each search, before there were indexes. */
  readonly exact: readonly (readonly Ranking[])[];
  readonly growth: Omit<GrowthRow, 'upserted'>;
}

/** Adds items and vectors, and builds the indexes. */
async function grow(size: number, place: Place): Promise<Grown> {
  await dropVectorIndexes(place);
  const bulk = await place.made.growTo(size, place);
  await reopen(place);
  const exact: Ranking[][] = [];
  for (const search of SEARCHES) exact.push(await ranked(search, place, vectors));
  if (exact.flat().some(({ approximate }) => approximate)) throw new Error('a ranking is not exact');
  const indexSeconds = await secondsOf(() => place.catalog.indexes.ensure());
  note(`${place.name}: ${size} vectors, indexes in ${indexSeconds.toFixed(0)} s`);
  const nodes = await nodeBytes(place);
  return { exact, growth: { vectors: size, place: place.name, ...bulk, indexSeconds, nodes } };
}

function print(): void {
  const style = { head: [], border: [] };
  const searches = new Table({
    head: [
      'vectors',
      'what',
      'on',
      'p50 ms',
      'ratio',
      'p95 ms',
      '4 clients/s',
      'ratio',
      'recall@20',
      'exact',
    ],
    style,
  });
  for (const row of rows) {
    const first = rows.find(({ vectors, what }) => vectors === row.vectors && what === row.what) ?? row;
    searches.push([
      row.vectors,
      row.what,
      row.place,
      row.p50.toFixed(2),
      (row.p50 / first.p50).toFixed(2),
      row.p95.toFixed(2),
      row.perSecond.toFixed(0),
      (row.perSecond / first.perSecond).toFixed(2),
      row.recall.toFixed(4),
      row.differing === 0 ? 'same' : `${row.differing} of ${QUERIES} differ`,
    ]);
  }
  console.log(searches.toString());
  const ingests = new Table({
    head: ['vectors', 'on', 'items/s', 'vectors/s', 'upserts/s', 'indexes s', 'MB by node'],
    style,
  });
  for (const { vectors, place, items, bulkVectors, upserted, indexSeconds, nodes } of growths) {
    ingests.push([
      vectors,
      place,
      ...[items, bulkVectors, upserted, indexSeconds].map((value) => value.toFixed(0)),
      nodes.map(({ node, bytes }) => `${node} ${(bytes / 2 ** 20).toFixed(0)}`).join(', '),
    ]);
  }
  console.log(ingests.toString());
}
