import type { Catalog } from '../src/catalog/catalog.js';
import type { Hit, Ranking } from '../src/catalog/types.js';
import type { ItemFilter } from '../src/domain/filter.js';
import { ENCODER, GROUPS, type Place, TEXT_EXTRACTOR } from './shards-data.js';

const LIMIT = 20;
const ROUNDS = 3;
/** Of each round. */
const ONE_CLIENT = 30;
const FOUR_CLIENTS = 60;
const CLIENTS = 4;
const WARM_UP = 12;

export interface Search {
  readonly what: string;
  readonly run: (catalog: Catalog, vector: Float32Array, n: number) => Promise<Ranking>;
}

const NONE = () => null;
const BY_CLASS = (n: number): ItemFilter => ({ classNames: [`class ${n % GROUPS}`] });
const BY_METADATA = (n: number): ItemFilter => ({ metadata: { bucket: n % GROUPS } });

export const SEARCHES: readonly Search[] = [
  byEmbedding('by embedding', NONE),
  byEmbedding('by embedding, class of 5 %', BY_CLASS),
  byEmbedding('by embedding, metadata of 5 %', BY_METADATA),
  byCounterpart('by caption', NONE),
  byCounterpart('by caption, class of 5 %', BY_CLASS),
  byCounterpart('by caption, metadata of 5 %', BY_METADATA),
];

function byEmbedding(what: string, filterOf: (n: number) => ItemFilter | null): Search {
  return {
    what,
    run: ({ ranking }, vector, n) =>
      ranking.byEmbedding({
        encoderId: ENCODER,
        vector,
        target: 'IMAGE',
        filter: filterOf(n),
        limit: LIMIT,
        offset: 0,
      }),
  };
}

function byCounterpart(what: string, filterOf: (n: number) => ItemFilter | null): Search {
  return {
    what,
    run: ({ ranking }, vector, n) =>
      ranking.byCounterpart({
        extractor: TEXT_EXTRACTOR,
        vector,
        queryModality: 'TEXT',
        target: 'IMAGE',
        filter: filterOf(n),
        limit: LIMIT,
      }),
  };
}

export interface Speed {
  /** Of one client, ms. */
  readonly p50: number;
  readonly p95: number;
  /** Of four clients, requests a second. */
  readonly perSecond: number;
}

/** What a search of each query finds. */
export async function ranked(
  { run }: Search,
  { catalog }: Place,
  vectors: readonly Float32Array[],
): Promise<Ranking[]> {
  const found: Ranking[] = [];
  for (const [n, vector] of vectors.entries()) found.push(await run(catalog, vector, n));
  return found;
}

/** The share of the exact hits that other rankings have. */
export function recallOf(found: readonly Ranking[], exact: readonly Ranking[]): number {
  let [same, all] = [0, 0];
  exact.forEach(({ hits }, n) => {
    const ids = new Set(found[n]?.hits.map(({ id }) => id));
    same += hits.filter(({ id }) => ids.has(id)).length;
    all += hits.length;
  });
  return same / all;
}

/** The number of rankings that are not the same, in ids and similarities. */
export function differing(found: readonly Ranking[], others: readonly Ranking[]): number {
  const text = (hits: readonly Hit[] = []) => JSON.stringify(hits);
  return others.filter(({ hits }, n) => text(hits) !== text(found[n]?.hits)).length;
}

/** The speed of a search at each place. The places take turns, so that other work on the machine slows all of them. */
export async function speeds(
  search: Search,
  places: readonly Place[],
  vectors: readonly Float32Array[],
): Promise<Map<Place, Speed>> {
  const taken = new Map(places.map((place) => [place, { times: [] as number[], seconds: 0 }]));
  const call = async ({ catalog }: Place, n: number) =>
    await search.run(catalog, vectors[n % vectors.length] as Float32Array, n);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [place, figures] of taken) {
      await inParallel(WARM_UP, (n) => call(place, n));
      for (let n = 0; n < ONE_CLIENT; n += 1) {
        const start = performance.now();
        await call(place, round * ONE_CLIENT + n);
        figures.times.push(performance.now() - start);
      }
      const start = performance.now();
      await inParallel(FOUR_CLIENTS, (n) => call(place, n));
      figures.seconds += (performance.now() - start) / 1000;
    }
  }
  return new Map(
    [...taken].map(([place, { times, seconds }]) => {
      times.sort((a, b) => a - b);
      const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Number.NaN;
      return [place, { p50: at(0.5), p95: at(0.95), perSecond: (ROUNDS * FOUR_CLIENTS) / seconds }];
    }),
  );
}

async function inParallel(count: number, call: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (next < count) await call(next++);
    }),
  );
}

/** Bytes that the database takes on each node, by `host:port`; the coordinator, or the only server, first. */
export async function nodeBytes({ catalog }: Place): Promise<{ node: string; bytes: number }[]> {
  const { database } = catalog;
  if (!database.distributed) {
    const [row] = await database.runOnce<{ bytes: number }>(
      'SELECT pg_database_size(current_database())::float8 AS bytes',
    );
    return [{ node: 'plain', bytes: row?.bytes ?? 0 }];
  }
  return await database.runOnce(
    `SELECT n.nodename || ':' || n.nodeport AS node, r.result::float8 AS bytes
     FROM run_command_on_all_nodes('SELECT pg_database_size(current_database())') r JOIN pg_dist_node n USING (nodeid)
     ORDER BY n.groupid`,
  );
}
