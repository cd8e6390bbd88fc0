import { createHash } from 'node:crypto';
import type { Prisma } from '../__generated__/prisma/client.js';
import type { Database } from './database.js';
import { ENCODER_COLUMNS, encoderRow, type StoredEncoder, trainedRow } from './encoder-rows.js';
import type { EncoderRow, JsonObject, TrainedEncoderRow } from './types.js';
import type { VectorMemory } from './vector-memory.js';
import { STAMP_SQL, type StoredStamp, type VectorStamp } from './vector-stamp.js';
import type { VectorTables } from './vector-tables.js';

/** A trained encoder to store. */
export interface NewEncoder {
  /** A UUID. */
  readonly id: string;
  readonly dimension: number;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly config: JsonObject;
  readonly report: JsonObject;
}

/** Trained versions of the encoder. At most one is active: the one that searches use. */
export class Encoders {
  constructor(
    private readonly db: Database,
    private readonly tables: VectorTables,
    private readonly memory: VectorMemory,
  ) {}

  /** Stores an encoder, ready but not active, and makes the place for its embeddings. */
  async create(encoder: NewEncoder, weights: Uint8Array): Promise<EncoderRow> {
    const { config, report, ...columns } = encoder;
    const now = new Date();
    const bytes = new Uint8Array(weights);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const stored = await this.db.prisma.encoder.create({
      data: {
        ...columns,
        state: 'ready',
        startedAt: now,
        finishedAt: now,
        config: json(config),
        report: json(report),
        weights: { create: { bytes, sha256 } },
      },
    });
    await this.tables.ensureEmbeddings(encoder.id);
    return encoderRow(stored);
  }

  /** The newest first. */
  async list(): Promise<EncoderRow[]> {
    const rows = await this.db.prisma.encoder.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] });
    return rows.map(encoderRow);
  }

  async byId(id: string): Promise<EncoderRow | null> {
    const row = await this.db.prisma.encoder.findUnique({ where: { id } });
    return row && encoderRow(row);
  }

  /** The encoder in use, null before the first was activated. */
  async active(): Promise<TrainedEncoderRow | null> {
    // Every search asks this: a prepared statement is quicker than going through Prisma.
    const [stored] = await this.db.run<StoredEncoder>(
      `SELECT ${ENCODER_COLUMNS} FROM encoder WHERE state = 'active'`,
    );
    return stored ? trainedRow(encoderRow(stored)) : null;
  }

  /** The same with the stamp of the vectors at that moment, in one statement: what a search begins with. */
  async activeAndStamp(): Promise<{
    readonly encoder: TrainedEncoderRow | null;
    readonly stamp: VectorStamp;
  }> {
    const partitions = this.memory.partitions();
    const [row] = await this.db.run<StoredStamp & (StoredEncoder | { readonly id: null })>(
      `SELECT stamp.*, active.* FROM ${STAMP_SQL}
       LEFT JOIN (SELECT ${ENCODER_COLUMNS} FROM encoder WHERE state = 'active') active ON true`,
      [partitions],
    );
    if (!row) throw new Error('no stamp');
    const encoder = row.id === null ? null : trainedRow(encoderRow(row));
    return { encoder, stamp: this.memory.stamps.parse(row, partitions) };
  }

  /** The weights of an encoder. Throws if they are missing or damaged. */
  async weights(id: string): Promise<Uint8Array> {
    const row = await this.db.prisma.encoderWeights.findUnique({ where: { encoderId: id } });
    if (!row) throw new Error(`encoder ${id} has no weights`);
    if (createHash('sha256').update(row.bytes).digest('hex') !== row.sha256) {
      throw new Error(`the weights of encoder ${id} are damaged`);
    }
    return row.bytes;
  }

  /** Makes an encoder the active one; the one that was is retired, and can be activated again. One transaction. */
  async activate(id: string): Promise<EncoderRow> {
    const now = new Date();
    const [, row] = await this.db.prisma.$transaction([
      this.db.prisma.encoder.updateMany({
        where: { state: 'active', id: { not: id } },
        data: { state: 'retired', retiredAt: now },
      }),
      this.db.prisma.encoder.update({
        where: { id },
        data: { state: 'active', activatedAt: now, retiredAt: null },
      }),
    ]);
    return encoderRow(row);
  }

  /** Removes an encoder that is not active, with its weights and embeddings; one that is not there is no error. */
  async remove(id: string): Promise<void> {
    const removed = await this.db.prisma.encoder.deleteMany({ where: { id, state: { not: 'active' } } });
    if (removed.count > 0) await this.tables.dropEmbeddings(id);
  }

  async updateReport(id: string, report: JsonObject): Promise<EncoderRow> {
    return encoderRow(await this.db.prisma.encoder.update({ where: { id }, data: { report: json(report) } }));
  }
}

/** Prisma's type for JSON knows no `unknown`; what is not JSON is refused when it is written. */
function json(value: JsonObject): Prisma.InputJsonObject {
  return value as Prisma.InputJsonObject;
}
