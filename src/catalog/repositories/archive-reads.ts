import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { VectorChunk } from '../types.js';
import type { ArchivedVectors } from '../vectors/archived-vectors.js';
import { ARCHIVED, LINES, type LineKind } from './archive-sql.js';

/** A part of what an archive has of the database. */
export type ArchivePart =
  | { readonly kind: LineKind; readonly lines: readonly string[]; readonly keys: readonly string[] }
  | { readonly kind: 'weights'; readonly encoderId: string; readonly bytes: Buffer }
  | { readonly kind: 'features' | 'class-features'; readonly extractor: string; readonly chunk: VectorChunk }
  | {
      readonly kind: 'embeddings';
      readonly encoderId: string;
      readonly modality: Modality;
      readonly chunk: VectorChunk;
    }
  /** Hex sha256 of pictures that items show and that have no record. */
  | { readonly kind: 'unrecorded'; readonly hashes: readonly string[] };

export interface ArchiveSize {
  readonly items: number;
  readonly classes: number;
  readonly encoders: number;
  readonly pictures: number;
  readonly pictureBytes: number;
}

/** Reads the database for an archive. */
export class ArchiveReads {
  constructor(
    private readonly db: Database,
    private readonly vectors: ArchivedVectors,
  ) {}

  async size(): Promise<ArchiveSize> {
    const [row] = await this.db.run<ArchiveSize>(
      `SELECT (SELECT count(*)::int FROM item) AS items, (SELECT count(*)::int FROM class) AS classes,
         (SELECT count(*)::int FROM encoder WHERE ${ARCHIVED}) AS encoders, count(*)::int AS pictures,
         COALESCE(sum(bytes), 0)::float8 AS "pictureBytes" FROM media`,
    );
    if (row === undefined) throw new Error('a count has no row');
    return row;
  }

  /**
   * Gives every part of one state of the catalogue to `take`, in an order in which they can be stored. The transaction is open until all are taken,
   * and with it the only connection of an embedded database: `take` should not wait for anything slow.
   */
  async read(take: (part: ArchivePart) => Promise<void>): Promise<void> {
    await this.db.transaction(
      async (tx) => {
        await this.lines(tx, 'pictures', take);
        await this.unrecorded(tx, take);
        await this.lines(tx, 'classes', take);
        await this.lines(tx, 'items', take);
        const encoderIds: string[] = [];
        await this.lines(tx, 'encoders', async (part) => {
          await take(part);
          for (const id of part.keys) {
            encoderIds.push(id);
            await take({ kind: 'weights', encoderId: id, bytes: await weights(tx, id) });
          }
        });
        await this.vectorsOf(tx, encoderIds, take);
      },
      { snapshot: true },
    );
  }

  private async vectorsOf(
    tx: Queryable,
    encoderIds: readonly string[],
    take: (part: ArchivePart) => Promise<void>,
  ): Promise<void> {
    for (const extractor of await this.vectors.extractors(tx)) {
      for await (const chunk of this.vectors.features(tx, extractor))
        await take({ kind: 'features', extractor, chunk });
      for await (const chunk of this.vectors.classFeatures(tx, extractor))
        await take({ kind: 'class-features', extractor, chunk });
    }
    for (const encoderId of encoderIds) {
      for (const modality of MODALITIES) {
        for await (const chunk of this.vectors.embeddings(tx, encoderId, modality))
          await take({ kind: 'embeddings', encoderId, modality, chunk });
      }
    }
  }

  private async lines(
    tx: Queryable,
    kind: LineKind,
    take: (part: ArchivePart & { readonly kind: LineKind }) => Promise<void>,
  ): Promise<void> {
    const { first, page } = LINES[kind];
    for (let after: string = first; ; ) {
      const rows = await tx.run<{ key: string; line: string }>(page, [after]);
      const last = rows.at(-1);
      if (last === undefined) return;
      await take({ kind, lines: rows.map(({ line }) => line), keys: rows.map(({ key }) => key) });
      after = last.key;
    }
  }

  private async unrecorded(tx: Queryable, take: (part: ArchivePart) => Promise<void>): Promise<void> {
    for (let after = ''; ; ) {
      const shown = await tx.run<{ hash: string }>(
        `SELECT DISTINCT content_hash AS hash FROM item WHERE modality = 'IMAGE' AND content_hash > $1
         ORDER BY 1 LIMIT 2000`,
        [after],
      );
      const hashes = shown.map(({ hash }) => hash);
      const last = hashes.at(-1);
      if (last === undefined) return;
      const recorded = await tx.run<{ hash: string }>(
        'SELECT sha256 AS hash FROM media WHERE sha256 = ANY($1::text[])',
        [hashes],
      );
      const known = new Set(recorded.map(({ hash }) => hash));
      const unrecorded = hashes.filter((hash) => !known.has(hash));
      if (unrecorded.length > 0) await take({ kind: 'unrecorded', hashes: unrecorded });
      after = last;
    }
  }
}

async function weights(tx: Queryable, encoderId: string): Promise<Buffer> {
  const [row] = await tx.run<{ bytes: Buffer }>('SELECT bytes FROM encoder_weights WHERE encoder_id = $1', [
    encoderId,
  ]);
  if (row === undefined) throw new Error(`encoder ${encoderId} has no weights`);
  return row.bytes;
}
