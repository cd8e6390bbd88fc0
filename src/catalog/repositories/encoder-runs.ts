import { createHash, randomUUID } from 'node:crypto';
import type { EncoderConfig, EncoderReport, EncoderRequest } from '../../domain/encoder-record.js';
import type { EncoderFailure, EncoderProgress } from '../../domain/encoder-status.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { EncoderRow } from '../types.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import { lockEncoders } from './encoder-lock.js';
import { ENCODER_COLUMNS, encoderRow, IMPORT_UNFINISHED, type StoredEncoder } from './encoder-rows.js';
import { isLost, owner } from './work-owner.js';

/** A training run to store. */
export interface NewRun {
  /** A UUID. */
  readonly id: string;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly request: EncoderRequest;
}

/** A run that this process has claimed. `claim` is a fencing token: statements of an earlier claim find no row. */
export interface ClaimedRun {
  readonly claim: string;
  readonly row: EncoderRow;
}

/** Another process claimed the run, or it was cancelled. The worker stops and does not change the run. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost';
}

/** Training runs, from the queue to a ready encoder. Every step checks the claim. */
export class EncoderRuns {
  /** Claims of this process, which are valid while it runs. */
  private readonly ownClaims = new Set<string>();
  /** Encoders that this process activates. */
  private readonly activating = new Set<string>();

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

  /** Inserts a run as claimed, without queueing it. */
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

  /** Claims a queued run: the given one, or the oldest; null where there is none. */
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

  /** Heartbeat, with the latest progress if there is any. @throws ClaimLost */
  async beat({ claim, row }: ClaimedRun, progress: EncoderProgress | null): Promise<void> {
    const found = await this.db.run(
      `UPDATE encoder SET heartbeat_at = clock_timestamp(), progress = COALESCE($3::jsonb, progress)
       WHERE id = $1 AND claim = $2 RETURNING id`,
      [row.id, claim, progress === null ? null : JSON.stringify(progress)],
    );
    if (found.length === 0) throw new ClaimLost(row.id);
  }

  /** Stores the trained weights. @throws ClaimLost */
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
   * Creates the partitions of its embeddings and makes it live: new items are embedded for it. @throws ClaimLost
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

  /**
   * @param activates whether this process goes on to activate the encoder, until `endActivation`
   * @throws ClaimLost
   */
  async finish(run: ClaimedRun, { activates = false }: { readonly activates?: boolean } = {}): Promise<void> {
    if (activates) this.activating.add(run.row.id);
    await this.step(
      this.db,
      run,
      `state = 'ready', claim = NULL, progress = NULL, finished_at = clock_timestamp(), heartbeat_at = clock_timestamp(),
       report = CASE WHEN $3 THEN report || '{"activating": true}' ELSE report END`,
      [activates],
    );
    this.ownClaims.delete(run.claim);
  }

  /** Says that this process still activates the encoder. */
  async beatActivation(id: string): Promise<void> {
    await this.db.run(`UPDATE encoder SET heartbeat_at = clock_timestamp() WHERE id = $1 AND claim IS NULL`, [
      id,
    ]);
  }

  /** Call it whether the encoder was activated or not. */
  async endActivation(id: string): Promise<void> {
    this.activating.delete(id);
    await this.db.run(`UPDATE encoder SET report = report - 'activating' WHERE id = $1`, [id]);
  }

  /** Whether a process activates the encoder, which it has trained. */
  async isActivating(id: string): Promise<boolean> {
    const [row] = await this.db.run<{ owner: unknown; silent: number | null }>(
      `SELECT owner, EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent
       FROM encoder WHERE id = $1 AND state = 'ready' AND report ? 'activating'`,
      [id],
    );
    if (row === undefined) return false;
    return this.activating.has(id) || !isLost(this.db, row.owner, row.silent ?? Number.POSITIVE_INFINITY);
  }

  /** Its embeddings stay, so that a resumed run continues from them. @throws ClaimLost */
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
    this.ownClaims.delete(run.claim);
  }

  /** Lets the claim expire: failInterrupted then takes the run for one whose process is gone. */
  giveUp({ claim }: ClaimedRun): void {
    this.ownClaims.delete(claim);
  }

  /** Puts a claimed run back into the queue. @throws ClaimLost */
  async release(run: ClaimedRun): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(tx, run, `state = 'queued', claim = NULL, progress = NULL`);
    });
    this.ownClaims.delete(run.claim);
  }

  /** Cancels the caller's run and drops its embeddings, now or later; see Encoders.finishRemovals. @throws ClaimLost */
  async cancelOwn(run: ClaimedRun): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      await this.step(tx, run, `state = 'cancelled', claim = NULL, finished_at = clock_timestamp()`);
    });
    this.ownClaims.delete(run.claim);
    await this.partitions.dropEmbeddings(run.row.id);
  }

  /** Cancels a run of any process and drops its embeddings, as cancelOwn. False where it is neither queued nor running. */
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

  /** Puts a failed or cancelled run back into the queue. False where it is in another state, or an import that is not finished. */
  async requeue(id: string): Promise<boolean> {
    const found = await this.db.run(
      `UPDATE encoder SET state = 'queued', failure = NULL, progress = NULL, finished_at = NULL
       WHERE id = $1 AND state IN ('failed', 'cancelled') AND removed_at IS NULL AND failure IS DISTINCT FROM $2::jsonb
       RETURNING id`,
      [id, JSON.stringify(IMPORT_UNFINISHED)],
    );
    return found.length > 0;
  }

  /** Marks runs whose claim has expired as failed. @returns their ids. */
  async failInterrupted(failure: EncoderFailure): Promise<string[]> {
    const runs = await this.db.run<{ id: string; claim: string; owner: unknown; silent: number }>(
      `SELECT id, claim, owner, EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent
       FROM encoder WHERE claim IS NOT NULL`,
    );
    const failed: string[] = [];
    for (const { id, claim, owner: by, silent } of runs) {
      if (this.ownClaims.has(claim) || !isLost(this.db, by, silent)) continue;
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
    this.ownClaims.add(claim);
    return { claim, row: encoderRow(row) };
  }
}

function one<T>(row: T | undefined): T {
  if (row === undefined) throw new Error('nothing was inserted');
  return row;
}
