import { MODALITIES, type Modality, otherModality } from '../../domain/modality.js';
import type { Database } from '../postgres/database.js';
import type { VectorChunk } from '../types.js';
import { chunksOf } from './vector-chunks.js';
import { encodeUuidArray } from './vector-codec.js';
import {
  type CounterpartLink,
  type Counterparts,
  groupCounterparts,
  type VectorCopy,
} from './vector-copy.js';
import { createRows } from './vector-rows.js';
import { embeddingTable, featureTable, type VectorTables } from './vector-tables.js';

/** What can be held in memory: the features of an extractor with the counterparts of their items, or an encoder's embeddings. */
export type WantedVectors =
  | { readonly kind: 'features'; readonly extractor: string; readonly modality: Modality }
  | { readonly kind: 'embeddings'; readonly encoderId: string };

export interface FeatureCopy {
  readonly kind: 'features';
  readonly own: VectorCopy;
  readonly counterparts: Counterparts;
}
export interface EmbeddingCopy {
  readonly kind: 'embeddings';
  readonly own: Readonly<Record<Modality, VectorCopy>>;
}

/** Floats of one copy: 16 MB, which a search compares in 2 to 3 ms. */
const MOST_FLOATS = 4 * 1024 * 1024;
/** Counterparts of one copy; sorting so many ids takes some 20 ms. */
const MOST_LINKS = 32 * 1024;
/** Floats in one statement: so few that nobody waits long for the rows to be sent and read, 2 to 3 ms. */
const FLOATS_AT_ONCE = 128 * 1024;

/** The partitions that a copy of it is made of. */
export function partitionsOf(wanted: WantedVectors): string[] {
  if (wanted.kind === 'features') return [featureTable(wanted.extractor)];
  return MODALITIES.map((modality) => embeddingTable(wanted.encoderId, modality));
}

/** Reads partitions whole, as long as they are small. Not a snapshot: see StampedCopies for what makes it one. */
export class VectorCopyReader {
  constructor(
    private readonly db: Database,
    private readonly tables: VectorTables,
    private readonly mostFloats = MOST_FLOATS,
  ) {}

  /** Null: too large, or indexed, or not there. Throws what the signal gives as its reason once it is aborted. */
  async read(wanted: WantedVectors, signal: AbortSignal): Promise<FeatureCopy | EmbeddingCopy | null> {
    if (!(await this.allSmall(partitionsOf(wanted)))) return null;
    if (wanted.kind === 'features') return await this.features(wanted.extractor, wanted.modality, signal);
    const IMAGE = await this.vectors(embeddingTable(wanted.encoderId, 'IMAGE'), signal);
    const TEXT = await this.vectors(embeddingTable(wanted.encoderId, 'TEXT'), signal);
    return IMAGE && TEXT && { kind: 'embeddings', own: { IMAGE, TEXT } };
  }

  private async features(
    extractor: string,
    modality: Modality,
    signal: AbortSignal,
  ): Promise<FeatureCopy | null> {
    const links: CounterpartLink[] = [];
    const own = await this.vectors(featureTable(extractor), signal, async ({ ids }) => {
      links.push(...(await this.links(ids, otherModality(modality), MOST_LINKS + 1 - links.length)));
    });
    if (own === null || links.length > MOST_LINKS) return null;
    return { kind: 'features', own, counterparts: groupCounterparts(own.ids, links) };
  }

  private async vectors(
    table: string,
    signal: AbortSignal,
    withEach: (chunk: VectorChunk) => Promise<void> = async () => {},
  ): Promise<VectorCopy | null> {
    const chunks: VectorChunk[] = [];
    for await (const chunk of chunksOf(this.db, table, 'true', FLOATS_AT_ONCE)) {
      signal.throwIfAborted();
      chunks.push(chunk);
      await withEach(chunk);
    }
    const ids = chunks.flatMap((chunk) => chunk.ids);
    const vectors = createRows(ids.length, chunks[0]?.matrix.columns ?? 0);
    if (vectors === null) return null;
    let row = 0;
    for (const { matrix } of chunks) {
      if (matrix.columns !== vectors.columns) return null;
      vectors.put(row, matrix.data);
      row += matrix.rows;
    }
    return { ids, vectors };
  }

  private async links(
    sources: readonly string[],
    modality: Modality,
    limit: number,
  ): Promise<CounterpartLink[]> {
    return this.db.run<{ source: string; target: string }>(
      `SELECT q.id AS source, i.id AS target FROM item q JOIN item i ON i.pair_id = q.pair_id
       WHERE q.id = ANY($1::uuid[]) AND i.modality = $2::modality LIMIT $3`,
      [encodeUuidArray(sources), modality, Math.max(0, limit)],
    );
  }

  /** Whether all are there, without an index (which ranks large ones), and together below the cap. */
  private async allSmall(partitions: readonly string[]): Promise<boolean> {
    let room = this.mostFloats;
    for (const name of partitions) {
      const table = await this.tables.find(name);
      if (table === null || table.index !== null) return false;
      const [row] = await this.db.run<{ columns: number; rows: number }>(
        `WITH d AS (SELECT COALESCE((SELECT vector_dims(vec) FROM ${name} LIMIT 1), 1) AS columns)
         SELECT columns, (SELECT count(*)::int FROM (SELECT FROM ${name} LIMIT (SELECT $1::int / columns + 1 FROM d)) v) AS rows
         FROM d`,
        [room],
      );
      room -= (row?.columns ?? 0) * (row?.rows ?? 0);
      if (room < 0) return false;
    }
    return true;
  }
}
