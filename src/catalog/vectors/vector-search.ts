import type { ItemFilter } from '../../domain/filter.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import type { Database } from '../postgres/database.js';
import type {
  CounterpartQuery,
  EmbeddingQuery,
  EvidenceQuery,
  EvidenceRankings,
  Hit,
  Ranking,
} from '../types.js';
import { filterSql, Parameters } from './filter-sql.js';
import { closestFirst, merge, simplify } from './rankings.js';
import { encodeVector } from './vector-codec.js';
import type { VectorMemory } from './vector-memory.js';
import { everyCounterpartSql, nearCounterpartSql, ownSql, type Source } from './vector-ranking.js';
import { embeddingTable, featureTable, type VectorTable, type VectorTables } from './vector-tables.js';

/** A filter that lets at most so many items through is answered exactly: comparing those few costs less than an index. */
const EXACT_MATCHES = 10_000;
/** Deeper pages than this are answered exactly: an index walk gives up long before. */
const DEEPEST_INDEX_SCAN = 1_000;

interface RankedRow {
  readonly list: number;
  readonly id: string;
  /** Negative similarity. */
  readonly d: number;
  /** Of a counterpart ranking that looked at the closest features only: how many, and how far they reached. */
  readonly near: number | null;
  readonly reach: number | null;
}

/** One way to get a ranking. `read` gives null if it turns out that this way may have missed something it must not. */
interface Attempt {
  readonly columns: 'id, d' | 'id, d, near, reach';
  sql(parameters: Parameters): string;
  read(rows: readonly RankedRow[]): Ranking | null;
}
/** Ways in the order in which to try them; the last one never gives null. No way at all: nothing to rank. */
type Attempts = readonly Attempt[];

const NOTHING: Ranking = { hits: [], approximate: false };

/** Ranks items by closeness; see Catalog for what each kind of evidence is. */
export class VectorSearch {
  constructor(
    private readonly db: Database,
    private readonly tables: VectorTables,
    private readonly memory: VectorMemory,
  ) {}

  async nearestByEmbedding(query: EmbeddingQuery): Promise<Ranking> {
    const held = this.embeddingsHeld(query);
    if (held !== null) return held;
    const [ranking = NOTHING] = await this.run([await this.embeddingAttempts(query)]);
    return ranking;
  }

  async nearestByCounterpart(query: CounterpartQuery): Promise<Ranking> {
    const held = this.counterpartsHeld(query);
    if (held !== null) return held;
    return merge(await this.run(await this.counterpartAttempts(query)), query.limit);
  }

  /** Both kinds of evidence, in one round trip where one is enough, and without any where memory has the answer. */
  async nearest({ content, counterpart }: EvidenceQuery): Promise<EvidenceRankings> {
    const held = {
      content: content && this.embeddingsHeld(content),
      counterpart: counterpart && this.counterpartsHeld(counterpart),
    };
    const own = content && !held.content ? [await this.embeddingAttempts(content)] : [];
    const paired = counterpart && !held.counterpart ? await this.counterpartAttempts(counterpart) : [];
    const rankings = own.length + paired.length === 0 ? [] : await this.run([...own, ...paired]);
    return {
      content: content && (held.content ?? rankings[0] ?? NOTHING),
      counterpart: counterpart && (held.counterpart ?? merge(rankings.slice(own.length), counterpart.limit)),
    };
  }

  private embeddingsHeld(query: EmbeddingQuery): Ranking | null {
    const { target, filter, impossible } = simplify(query.target, query.filter);
    return impossible || filter !== null ? null : this.memory.byEmbedding({ ...query, target });
  }

  private counterpartsHeld(query: CounterpartQuery): Ranking | null {
    const { target, filter, impossible } = simplify(query.target, query.filter);
    return impossible || filter !== null ? null : this.memory.byCounterpart({ ...query, target });
  }

  private async embeddingAttempts(query: EmbeddingQuery): Promise<Attempts> {
    const { target, filter, impossible } = simplify(query.target, query.filter);
    if (impossible) return [];
    const modalities = target ? [target] : MODALITIES;
    const tables = await Promise.all(
      modalities.map((modality) => this.tables.find(embeddingTable(query.encoderId, modality))),
    );
    return this.ownAttempts(tables, query.vector, target, filter, query.limit, query.offset);
  }

  /** Ways to rank items by their own vectors. */
  private async ownAttempts(
    found: readonly (VectorTable | null)[],
    vector: Float32Array,
    target: Modality | null,
    filter: ItemFilter | null,
    limit: number,
    offset: number,
  ): Promise<Attempts> {
    const tables = found.filter((table) => table !== null);
    if (tables.length === 0) return [];
    const bytes = encodeVector(unit(vector));
    const attempt = (sources: readonly Source[], approximate: boolean): Attempt => ({
      columns: 'id, d',
      sql: (parameters) => ownSql(sources, vectorIn(parameters, bytes), filter, limit, offset, parameters),
      read: (rows) => (approximate && rows.length < limit ? null : ranking(rows, approximate)),
    });
    const exact = attempt(
      tables.map((table) => ({ table, through: null })),
      false,
    );
    const useIndex =
      tables.some((table) => table.index !== null) &&
      limit + offset <= DEEPEST_INDEX_SCAN &&
      (await this.letsManyThrough(filter, target));
    if (!useIndex) return [exact];
    const sources = tables.map((table) => ({ table, through: table.index }));
    return [attempt(sources, true), exact];
  }

  /** One list of ways for the items of the query's own modality, one for those of the other; those that are wanted. */
  private async counterpartAttempts(query: CounterpartQuery): Promise<Attempts[]> {
    const { target, filter, impossible } = simplify(query.target, query.filter);
    const table = await this.tables.find(featureTable(query.extractor));
    if (impossible || !table) return [];
    const lists: Attempts[] = [];
    if (target === null || target === query.queryModality) {
      lists.push(await this.ownAttempts([table], query.vector, query.queryModality, filter, query.limit, 0));
    }
    if (target === null || target !== query.queryModality) {
      lists.push(await this.pairedAttempts(table, query, filter));
    }
    return lists;
  }

  private async pairedAttempts(
    table: VectorTable,
    { vector, queryModality, limit, target }: CounterpartQuery,
    filter: ItemFilter | null,
  ): Promise<Attempts> {
    const bytes = encodeVector(unit(vector));
    const every: Attempt = {
      columns: 'id, d',
      sql: (parameters) =>
        everyCounterpartSql(table, vectorIn(parameters, bytes), queryModality, filter, limit, parameters),
      read: (rows) => ranking(rows, false),
    };
    const manyMatch =
      filter === null || (table.index !== null && (await this.letsManyThrough(filter, target)));
    if (!manyMatch) return [every];
    // One feature leads to one counterpart or several, and several features (captions) may lead to the same one.
    const depths = [limit + 64, 6 * limit + 64].filter(
      (near) => table.index === null || near <= DEEPEST_INDEX_SCAN,
    );
    const near = depths.map(
      (depth): Attempt => ({
        columns: 'id, d, near, reach',
        sql: (parameters) => {
          const source = { table, through: table.index };
          return nearCounterpartSql(
            source,
            vectorIn(parameters, bytes),
            queryModality,
            filter,
            depth,
            limit,
            parameters,
          );
        },
        read: (rows) => (covers(rows, depth, limit, table) ? ranking(rows, table.index !== null) : null),
      }),
    );
    return [...near, every];
  }

  /** Whether so many items match that comparing all of them would take long. */
  private async letsManyThrough(filter: ItemFilter | null, target: Modality | null): Promise<boolean> {
    if (filter === null) return true;
    const parameters = new Parameters();
    const modality = target ? `i.modality = ${parameters.add(target)}::modality AND` : '';
    const [row] = await this.db.runOnce<{ matches: number }>(
      `SELECT count(*)::int AS matches
       FROM (SELECT 1 FROM item i WHERE ${modality} ${filterSql(filter, parameters)} LIMIT ${EXACT_MATCHES + 1}) m`,
      parameters.values,
    );
    return (row?.matches ?? 0) > EXACT_MATCHES;
  }

  /** Follows each list of ways to its first ranking; what is still open goes into one statement each time. */
  private async run(lists: readonly Attempts[]): Promise<Ranking[]> {
    const rankings = lists.map((attempts): Ranking | null => (attempts.length === 0 ? NOTHING : null));
    for (let turn = 0; rankings.includes(null); turn += 1) {
      const open = lists.flatMap((attempts, list) => {
        const attempt = attempts[turn];
        return rankings[list] === null && attempt ? [{ list, attempt }] : [];
      });
      const rows = await this.runTogether(open);
      for (const { list, attempt } of open)
        rankings[list] = attempt.read(rows.filter((row) => row.list === list));
      if (open.length === 0) throw new Error('a ranking without a last resort');
    }
    return rankings.map((found) => found ?? NOTHING);
  }

  private runTogether(open: readonly { list: number; attempt: Attempt }[]): Promise<RankedRow[]> {
    const parameters = new Parameters();
    const parts = open.map(({ list, attempt }) => {
      const rest =
        attempt.columns === 'id, d' ? ', NULL::int AS near, NULL::float8 AS reach' : ', near, reach';
      return `SELECT ${list} AS list, id, d${rest} FROM (${attempt.sql(parameters)}) r${list}`;
    });
    return this.db.run(parts.join(' UNION ALL '), parameters.values);
  }
}

function vectorIn(parameters: Parameters, bytes: Buffer): string {
  return `${parameters.add(bytes)}::vector`;
}

/**
 * Whether a look at the `depth` closest features found all that belongs into the first `limit`: because there were no
 * more features, or because enough items are strictly closer than the furthest feature looked at. (Items exactly as far
 * may have been missed, and might come first by their ids.)
 */
function covers(rows: readonly RankedRow[], depth: number, limit: number, table: VectorTable): boolean {
  const [first] = rows;
  if (!first || first.near === null || first.reach === null) return false;
  if (first.near < depth) return table.index === null;
  const { reach } = first;
  return rows.filter((row) => row.d < reach).length >= limit;
}

function ranking(rows: readonly RankedRow[], approximate: boolean): Ranking {
  const hits = rows.map(({ id, d }): Hit => ({ id, similarity: Math.min(1, Math.max(-1, 0 - d)) }));
  return { hits: hits.sort(closestFirst), approximate };
}
