import { createHash, randomUUID } from 'node:crypto';
import type { EncoderConfig, EncoderReport, EncoderRequest } from '../../domain/encoder-record.js';
import type { EncoderFailure, EncoderProgress } from '../../domain/encoder-status.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { EncoderRow } from '../types.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import { lockEncoders } from './encoder-lock.js';
import { ENCODER_COLUMNS, encoderRow, type StoredEncoder } from './encoder-rows.js';
import { isLost, owner } from './work-owner.js';

/** A training that somebody wants. */
export interface NewRun {
  /** A UUID. */
  readonly id: string;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly request: EncoderRequest;
}

/** A run in the hands of this process. `claim` is a number of this piece of work alone: it fences off whoever had it before. */
export interface ClaimedRun {
  readonly claim: string;
  readonly row: EncoderRow;
}

/** Somebody else has the run now, or it was cancelled: whoever worked on it stops, and leaves it alone. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** The lives of encoders up to the point where they are ready. Each step holds only while the run is the caller's. */
export class EncoderRuns {
  /** Claims of this very object, which are alive as long as it is. */
  private readonly mine = new Set<string>();

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /** Puts a run at the end of the queue. */
  async enqueue(run: NewRun): Promise<EncoderRow> {
    const [row] = await this.db.run<StoredEncoder>(
      `INSERT INTO encoder (id, state, image_extractor, text_extractor, request)
       VALUES ($1, 'queued', $2, $3, $4::jsonb) RETURNING ${ENCODER_COLUMNS}`,
      [run.id, run.imageExtractor, run.textExtractor, JSON.stringify(run.request)],
    );
    return encoderRow(one(row));
  }

  /** Begins a run at once, past the queue. */
  async begin(run: NewRun): Promise<ClaimedRun> {
    const claim = randomUUID();
    const [row] = await this.db.run<StoredEncoder>(
      `INSERT INTO encoder (id, state, image_extractor, text_extractor, request, claim, owner, heartbeat_at, started_at)
       VALUES ($1, 'training', $2, $3, $4::jsonb, $5, $6::jsonb, clock_timestamp(), clock_timestamp())
       RETURNING ${ENCODER_COLUMNS}`,
      [run.id, run.imageExtractor, run.textExtractor, JSON.stringify(run.request), claim, owner()],
    );
    return this.claimed(claim, one(row));
  }

  /** Takes a run from the queue: this one, or the one that waits longest; null where there is none. */
  async claim(id: string | null = null): Promise<ClaimedRun | null> {
    const claim = randomUUID();
    const [row] = await this.db.run<StoredEncoder>(
      `UPDATE encoder SET state = 'training', progress = NULL, claim = $1, owner = $2::jsonb,
         heartbeat_at = clock_timestamp(), started_at = COALESCE(started_at, clock_timestamp()), finished_at = NULL
       WHERE id = (SELECT id FROM encoder WHERE state = 'queued' AND ($3::uuid IS NULL OR id = $3::uuid)
         ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ${ENCODER_COLUMNS}`,
      [claim, owner(), id],
    );
    return row ? this.claimed(claim, row) : null;
  }

  /** Says that the work goes on, and how far it is. @throws ClaimLost */
  async beat({ claim, row }: ClaimedRun, progress: EncoderProgress | null): Promise<void> {
    const found = await this.db.run(
      `UPDATE encoder SET heartbeat_at = clock_timestamp(), progress = COALESCE($3::jsonb, progress)
       WHERE id = $1 AND claim = $2 RETURNING id`,
      [row.id, claim, progress === null ? null : JSON.stringify(progress)],
    );
    if (found.length === 0) throw new ClaimLost(row.id);
  }

  /** Keeps what the training gave. @throws ClaimLost */
  async keepWeights(
    { claim, row }: ClaimedRun,
    trained: { readonly dimension: number; readonly config: EncoderConfig },
    weights: Uint8Array,
  ): Promise<void> {
    const sha256 = createHash('sha256').update(weights).digest('hex');
    await this.db.transaction(async (tx) => {
      const found = await tx.run(
        `UPDATE encoder SET dimension = $3, config = $4::jsonb, heartbeat_at = clock_timestamp()
         WHERE id = $1 AND claim = $2 RETURNING id`,
        [row.id, claim, trained.dimension, JSON.stringify(trained.config)],
      );
      if (found.length === 0) throw new ClaimLost(row.id);
      await tx.run(
        `INSERT INTO encoder_weights (encoder_id, bytes, sha256) VALUES ($1, $2, $3)
         ON CONFLICT (encoder_id) DO UPDATE SET bytes = EXCLUDED.bytes, sha256 = EXCLUDED.sha256`,
        [row.id, Buffer.from(weights), sha256],
      );
    });
  }

  /**
   * Makes the place for its embeddings; from now on whatever is written is embedded for it too. @throws ClaimLost
   */
  async beginEmbedding(run: ClaimedRun, config: EncoderConfig, report: EncoderReport): Promise<void> {
    await this.partitions.ensureEmbeddings(run.row.id);
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(
        tx,
        run,
        `state = 'embedding', progress = NULL, config = $3::jsonb, report = $4::jsonb`,
        [JSON.stringify(config), JSON.stringify(report)],
      );
    });
  }

  /** @throws ClaimLost */
  async finish(run: ClaimedRun): Promise<void> {
    await this.step(
      this.db,
      run,
      `state = 'ready', claim = NULL, progress = NULL, finished_at = clock_timestamp()`,
    );
    this.mine.delete(run.claim);
  }

  /** What was embedded stays: a run that is resumed goes on from there. @throws ClaimLost */
  async fail(run: ClaimedRun, failure: EncoderFailure): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(
        tx,
        run,
        `state = 'failed', claim = NULL, failure = $3::jsonb, finished_at = clock_timestamp()`,
        [JSON.stringify(failure)],
      );
    });
    this.mine.delete(run.claim);
  }

  /** Puts a run back into the queue, for whoever is next. @throws ClaimLost */
  async release(run: ClaimedRun): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(tx, run, `state = 'queued', claim = NULL, progress = NULL`);
    });
    this.mine.delete(run.claim);
  }

  /** Gives the caller's run up, with what it has embedded. @throws ClaimLost */
  async giveUp(run: ClaimedRun): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(tx, run, `state = 'cancelled', claim = NULL, finished_at = clock_timestamp()`);
    });
    this.mine.delete(run.claim);
    await this.partitions.dropEmbeddings(run.row.id);
  }

  /** Gives a run up, whoever works on it, with what it has embedded. False where it is not queued and not under way. */
  async cancel(id: string): Promise<boolean> {
    const found = await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      return await tx.run(
        `UPDATE encoder SET state = 'cancelled', claim = NULL, finished_at = clock_timestamp()
         WHERE id = $1 AND state IN ('queued', 'training', 'embedding') RETURNING id`,
        [id],
      );
    });
    if (found.length === 0) return false;
    await this.partitions.dropEmbeddings(id);
    return true;
  }

  /** Puts a run that failed or was cancelled back into the queue. False where it is in another state. */
  async requeue(id: string): Promise<boolean> {
    const found = await this.db.run(
      `UPDATE encoder SET state = 'queued', failure = NULL, progress = NULL, finished_at = NULL
       WHERE id = $1 AND state IN ('failed', 'cancelled') RETURNING id`,
      [id],
    );
    return found.length > 0;
  }

  /** Marks the runs of processes that are no more as failed. @returns their ids. */
  async failInterrupted(failure: EncoderFailure): Promise<string[]> {
    const runs = await this.db.run<{ id: string; claim: string; owner: unknown; silent: number }>(
      `SELECT id, claim, owner, EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent
       FROM encoder WHERE claim IS NOT NULL`,
    );
    const failed: string[] = [];
    for (const { id, claim, owner: by, silent } of runs) {
      if (this.mine.has(claim) || !isLost(this.db, by, silent)) continue;
      const found = await this.db.transaction(async (tx) => {
        await lockEncoders(tx);
        return await tx.run(
          `UPDATE encoder SET state = 'failed', claim = NULL, failure = $3::jsonb, finished_at = clock_timestamp()
           WHERE id = $1 AND claim = $2 RETURNING id`,
          [id, claim, JSON.stringify(failure)],
        );
      });
      if (found.length > 0) failed.push(id);
    }
    return failed;
  }

  private async step(
    on: Queryable,
    { claim, row }: ClaimedRun,
    set: string,
    values: readonly unknown[] = [],
  ): Promise<void> {
    const found = await on.run(`UPDATE encoder SET ${set} WHERE id = $1 AND claim = $2 RETURNING id`, [
      row.id,
      claim,
      ...values,
    ]);
    if (found.length === 0) throw new ClaimLost(row.id);
  }

  private claimed(claim: string, row: StoredEncoder): ClaimedRun {
    this.mine.add(claim);
    return { claim, row: encoderRow(row) };
  }
}

function one<T>(row: T | undefined): T {
  if (row === undefined) throw new Error('nothing was inserted');
  return row;
}
