import { createHash } from 'node:crypto';
import type { Prisma } from '../../__generated__/prisma/client.js';
import type { EncoderConfig, EncoderReport } from '../../domain/encoder-record.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import type { ChangeStamp } from '../postgres/change-stamp.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { EncoderRow, TrainedEncoderRow } from '../types.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import { LIVE_ENCODERS, lockEncoders } from './encoder-lock.js';
import { ENCODER_COLUMNS, encoderRow, type StoredEncoder, trainedRow } from './encoder-rows.js';

/** A trained encoder to store. */
export interface NewEncoder {
  /** A UUID. */
  readonly id: string;
  readonly dimension: number;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly config: EncoderConfig;
  readonly report: EncoderReport;
}

export interface Switch {
  /** The encoder that must be active before the switch; null: none. Absent: any. */
  readonly expected?: string | null;
  /** Embeds what the encoder still lacks, in the transaction of the switch, while writers of items wait. */
  readonly complete?: (tx: Queryable) => Promise<void>;
}

/** Another encoder was activated meanwhile, or the wanted one was removed or is not ready. Nothing was changed. */
export class SwitchRefused extends Error {
  override readonly name = 'SwitchRefused';
}

/** Versions of the encoder. At most one is active: the one that searches use. */
export class Encoders {
  /** The active encoder as it was read last. */
  private latest: { readonly row: TrainedEncoderRow; readonly version: string } | null = null;

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
    private readonly changes: ChangeStamp,
  ) {}

  /** Stores an encoder, ready but not active, and creates the partitions of its embeddings. */
  async create(encoder: NewEncoder, weights: Uint8Array): Promise<EncoderRow> {
    const { config, report, ...columns } = encoder;
    const now = new Date();
    const bytes = new Uint8Array(weights);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await this.partitions.ensureEmbeddings(encoder.id);
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
    return encoderRow(stored);
  }

  /** The newest first; of these states where they are given, and after (older than) this one. */
  async list(
    options: {
      readonly states?: readonly EncoderState[] | null;
      readonly after?: { readonly createdAt: Date; readonly id: string } | null;
      readonly limit?: number;
    } = {},
  ): Promise<EncoderRow[]> {
    const { states, after, limit } = options;
    const rows = await this.db.prisma.encoder.findMany({
      where: {
        removedAt: null,
        ...(states && { state: { in: [...states] } }),
        ...(after && {
          OR: [{ createdAt: { lt: after.createdAt } }, { createdAt: after.createdAt, id: { lt: after.id } }],
        }),
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      ...(limit !== undefined && { take: limit }),
    });
    return rows.map(encoderRow);
  }

  async count(states: readonly EncoderState[] | null): Promise<number> {
    return await this.db.prisma.encoder.count({
      where: { removedAt: null, ...(states && { state: { in: [...states] } }) },
    });
  }

  async byId(id: string): Promise<EncoderRow | null> {
    const row = await this.db.prisma.encoder.findUnique({ where: { id, removedAt: null } });
    return row && encoderRow(row);
  }

  /** The encoder in use, null before the first was activated. */
  async active(): Promise<TrainedEncoderRow | null> {
    // Every search runs this. The whole row holds figures of the training, so it is read and checked once for each version
    // of the row, which `xmin` tells apart.
    const [found] = await this.db.run<{ id: string; version: string }>(
      `SELECT id, xmin::text AS version FROM encoder WHERE state = 'active'`,
    );
    if (found === undefined) return null;
    const known = this.latest;
    if (known?.row.id === found.id && known.version === found.version) return known.row;
    const [stored] = await this.db.run<StoredEncoder & { version: string }>(
      `SELECT ${ENCODER_COLUMNS}, xmin::text AS version FROM encoder WHERE state = 'active'`,
    );
    if (stored === undefined) return null;
    const row = trainedRow(encoderRow(stored));
    this.latest = { row, version: stored.version };
    return row;
  }

  /** Replaces the fitted coefficients of its searches. */
  async keepFusion(id: string, fusion: NonNullable<EncoderConfig['fusion']>): Promise<void> {
    await this.db.run(`UPDATE encoder SET config = jsonb_set(config, '{fusion}', $2::jsonb) WHERE id = $1`, [
      id,
      JSON.stringify(fusion),
    ]);
  }

  /** See LIVE_ENCODERS. */
  async live(): Promise<TrainedEncoderRow[]> {
    const rows = await this.db.run<StoredEncoder>(
      `SELECT ${ENCODER_COLUMNS} FROM encoder WHERE ${LIVE_ENCODERS} ORDER BY id`,
    );
    return rows.map((row) => trainedRow(encoderRow(row)));
  }

  /** The encoder that was active before the current one; null where none was. */
  async previous(): Promise<EncoderRow | null> {
    const row = await this.db.prisma.encoder.findFirst({
      where: { state: { in: ['ready', 'retired'] }, activatedAt: { not: null } },
      orderBy: [{ activatedAt: 'desc' }, { id: 'desc' }],
    });
    return row && encoderRow(row);
  }

  /** The weights of an encoder. Throws if they are missing or damaged. */
  async weights(id: string): Promise<Uint8Array> {
    const bytes = await this.findWeights(id);
    if (bytes === null) throw new Error(`encoder ${id} has no weights`);
    return bytes;
  }

  /** The weights of an encoder; null before it is trained. Throws if they are damaged. */
  async findWeights(id: string): Promise<Uint8Array | null> {
    const row = await this.db.prisma.encoderWeights.findUnique({ where: { encoderId: id } });
    if (!row) return null;
    if (createHash('sha256').update(row.bytes).digest('hex') !== row.sha256) {
      throw new Error(`the weights of encoder ${id} are damaged`);
    }
    return row.bytes;
  }

  /** Makes a retired encoder ready again, so that new items are embedded for it. */
  async revive(id: string): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await tx.run(`UPDATE encoder SET state = 'ready' WHERE id = $1 AND state = 'retired'`, [id]);
    });
  }

  /**
   * Makes a ready or retired encoder the active one and retires the one before it, which can be activated again. Writers of
   * items wait for this transaction; before and after it they embed for both encoders.
   *
   * @throws SwitchRefused
   */
  async activate(id: string, { expected, complete }: Switch = {}): Promise<EncoderRow> {
    const activated = await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      const [active] = await tx.run<{ id: string }>(`SELECT id FROM encoder WHERE state = 'active'`);
      if (expected !== undefined && (active?.id ?? null) !== expected) {
        throw new SwitchRefused('another encoder is active now');
      }
      await complete?.(tx);
      await tx.run(
        `UPDATE encoder SET state = 'retired', retired_at = clock_timestamp() WHERE state = 'active' AND id <> $1`,
        [id],
      );
      const [stored] = await tx.run<StoredEncoder>(
        `UPDATE encoder SET state = 'active', activated_at = clock_timestamp(), retired_at = NULL
         WHERE id = $1 AND state IN ('ready', 'retired', 'active') RETURNING ${ENCODER_COLUMNS}`,
        [id],
      );
      if (!stored) throw new SwitchRefused(`encoder ${id} is not ready to be activated`);
      return encoderRow(stored);
    });
    // `complete` may have stored embeddings.
    await this.changes.add();
    return activated;
  }

  /**
   * Removes an encoder that is not in use and not running, with its weights and embeddings. It is gone for all callers at
   * once. If the tables are in use, its rows are removed later: by finishRemovals of any server. An unknown id is no error.
   *
   * @returns false where the encoder's state forbids the removal
   */
  async remove(id: string): Promise<boolean> {
    const [left] = await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await tx.run(
        `UPDATE encoder SET state = 'cancelled', failure = NULL, removed_at = clock_timestamp()
         WHERE id = $1 AND state IN ('ready', 'retired', 'failed', 'cancelled')`,
        [id],
      );
      return await tx.run('SELECT id FROM encoder WHERE id = $1 AND removed_at IS NULL', [id]);
    });
    if (left !== undefined) return false;
    await this.finishRemoval(id);
    return true;
  }

  /**
   * Drops what removals and cancellations have left: their tables were in use, or the process ended.
   *
   * @returns how many encoders still have tables, which are in use
   */
  async finishRemovals(): Promise<number> {
    const rows = await this.db.run<{ id: string }>(
      `SELECT id FROM encoder WHERE state = 'cancelled'
         AND (removed_at IS NOT NULL OR to_regclass('vectors.embedding_' || replace(id::text, '-', '') || '_image') IS NOT NULL)`,
    );
    let left = 0;
    for (const { id } of rows) if (!(await this.finishRemoval(id))) left += 1;
    return left;
  }

  private async finishRemoval(id: string): Promise<boolean> {
    if (!(await this.partitions.dropEmbeddings(id))) return false;
    await this.db.run(
      `DELETE FROM encoder WHERE id = $1 AND state = 'cancelled' AND removed_at IS NOT NULL`,
      [id],
    );
    return true;
  }

  async updateReport(id: string, report: EncoderReport): Promise<EncoderRow> {
    return encoderRow(await this.db.prisma.encoder.update({ where: { id }, data: { report: json(report) } }));
  }
}

/** Prisma's JSON type has no `unknown`; a value that is not JSON is refused when it is written. */
function json(value: EncoderConfig | EncoderReport): Prisma.InputJsonObject {
  return value as Prisma.InputJsonObject;
}
