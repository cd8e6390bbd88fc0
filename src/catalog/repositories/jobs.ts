import { randomUUID } from 'node:crypto';
import type { Caller } from '../../domain/access.js';
import type { JobKindName, JobStep } from '../../domain/job.js';
import type { Database, Queryable } from '../postgres/database.js';
import { ClaimLost } from './encoder-runs.js';
import { isLost, owner } from './work-owner.js';

/** A job to store. */
export interface NewJob {
  /** A UUID. */
  readonly id: string;
  readonly kind: JobKindName;
  readonly parameters: object;
  readonly requestedBy: Pick<Caller, 'name' | 'keyId'>;
}

/** A job that this process works on. `claim` is a fencing token: statements of an earlier claim find no row. */
export interface ClaimedJob {
  readonly id: string;
  readonly claim: string;
  readonly kind: string;
  readonly parameters: unknown;
  readonly position: unknown;
  /** Starts since the latest step, with this one. */
  readonly attempts: number;
  /** The name and the id of the key; see Caller. */
  readonly requestedBy: string;
  readonly keyId: string | null;
}

/** How the work on a job ended, or why it waits. */
export type JobEnd =
  | { readonly state: 'succeeded'; readonly message: string | null }
  | { readonly state: 'failed'; readonly code: string; readonly message: string };

/** Jobs as those see them who work on them: a queue with claims. Every step checks the claim. */
export class Jobs {
  /** Claims of this process, which are valid while it runs. */
  private readonly ownClaims = new Set<string>();

  constructor(private readonly db: Database) {}

  async enqueue(job: NewJob, on: Queryable = this.db): Promise<void> {
    await on.run(
      `INSERT INTO job (id, kind, parameters, requested_by, key_id) VALUES ($1, $2, $3::jsonb, $4, $5::uuid)`,
      [job.id, job.kind, JSON.stringify(job.parameters), job.requestedBy.name, job.requestedBy.keyId],
    );
  }

  /** Inserts a job unless one of its kind is under way or was begun since. @returns whether it was inserted */
  async enqueueUnlessSince(job: NewJob, since: Date): Promise<boolean> {
    return await this.db.transaction(async (tx) => {
      await tx.run(`SELECT pg_advisory_xact_lock(hashtext($1))`, [`job ${job.kind}`]);
      const rows = await tx.run(
        `INSERT INTO job (id, kind, parameters, requested_by, key_id)
         SELECT $1::uuid, $2::text, $3::jsonb, $4::text, $5::uuid WHERE NOT EXISTS (SELECT 1 FROM job
           WHERE kind = $2::text AND (state IN ('queued', 'running') OR created_at > $6::timestamptz)) RETURNING id`,
        [
          job.id,
          job.kind,
          JSON.stringify(job.parameters),
          job.requestedBy.name,
          job.requestedBy.keyId,
          since.toISOString(),
        ],
      );
      return rows.length > 0;
    });
  }

  /**
   * The job of this kind with these parameters that is under way; otherwise this one, which is inserted. It is claimed unless
   * another claim is valid.
   */
  async join(job: NewJob): Promise<{ readonly id: string; readonly claimed: ClaimedJob | null }> {
    return await this.db.transaction(async (tx) => {
      await tx.run(`SELECT pg_advisory_xact_lock(hashtext($1))`, [`job ${job.kind}`]);
      const id = (await this.underWay(job.kind, job.parameters, tx)) ?? job.id;
      if (id === job.id) await this.enqueue(job, tx);
      return { id, claimed: await this.claim([job.kind], id, tx) };
    });
  }

  /** The id of the oldest queued or running job of this kind with these parameters; null where there is none. */
  async underWay(kind: JobKindName, parameters: object, on: Queryable = this.db): Promise<string | null> {
    const [row] = await on.run<{ id: string }>(
      `SELECT id FROM job WHERE kind = $1 AND parameters = $2::jsonb AND state IN ('queued', 'running')
       ORDER BY created_at, id LIMIT 1`,
      [kind, JSON.stringify(parameters)],
    );
    return row?.id ?? null;
  }

  /** Whether such a job has failed, was cancelled, or had failed inputs, and ended after this time. */
  async wentWrongSince(kind: JobKindName, parameters: object, since: Date): Promise<boolean> {
    const rows = await this.db.run(
      `SELECT 1 FROM job WHERE kind = $1 AND parameters = $2::jsonb AND finished_at > $3::timestamptz
         AND (state IN ('failed', 'cancelled') OR failed > 0) LIMIT 1`,
      [kind, JSON.stringify(parameters), since.toISOString()],
    );
    return rows.length > 0;
  }

  /**
   * Claims the oldest queued job of these kinds whose time has come; null where there is none.
   *
   * @param id only this job; null: any
   */
  async claim(
    kinds: readonly string[],
    id: string | null = null,
    on: Queryable = this.db,
  ): Promise<ClaimedJob | null> {
    const claim = randomUUID();
    const [row] = await on.run<Omit<ClaimedJob, 'claim'>>(
      `UPDATE job SET state = 'running', claim = $1, owner = $2::jsonb, heartbeat_at = clock_timestamp(),
         attempts = attempts + 1, started_at = COALESCE(started_at, clock_timestamp()), run_after = NULL,
         code = NULL, message = NULL
       WHERE id = (SELECT id FROM job WHERE state = 'queued' AND kind = ANY($3::text[])
           AND ($4::uuid IS NULL OR id = $4::uuid) AND (run_after IS NULL OR run_after <= clock_timestamp())
         ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING id, kind, parameters, position, attempts, requested_by AS "requestedBy", key_id AS "keyId"`,
      [claim, owner(), kinds, id],
    );
    if (row === undefined) return null;
    this.ownClaims.add(claim);
    return { ...row, claim };
  }

  /** @throws ClaimLost */
  async beat(job: ClaimedJob): Promise<void> {
    await this.set(job, 'heartbeat_at = clock_timestamp()');
  }

  /** Stores a complete step in one transaction: its position, counts and failures. @throws ClaimLost */
  async advance(job: ClaimedJob, step: JobStep): Promise<void> {
    const { position, done, failed, skipped, total = null, failures = [] } = step;
    await this.db.transaction(async (tx) => {
      const found = await tx.run(
        `UPDATE job SET position = $3::jsonb, done = done + $4, failed = failed + $5, skipped = skipped + $6,
           total = COALESCE($7, total), attempts = 0, heartbeat_at = clock_timestamp()
         WHERE id = $1 AND claim = $2 RETURNING id`,
        [job.id, job.claim, JSON.stringify(position), done, failed, skipped, total],
      );
      if (found.length === 0) throw new ClaimLost(job.id);
      if (failures.length === 0) return;
      await tx.run(
        `INSERT INTO job_failure (job_id, ordinal, reference, code, message, input)
         SELECT $1, f.ordinal, f.reference, f.code, f.message, f.input
         FROM jsonb_to_recordset($2::jsonb) AS f (ordinal int, reference text, code text, message text, input jsonb)`,
        [job.id, JSON.stringify(failures)],
      );
    });
  }

  /** A job that succeeded has no other inputs than those that it has counted. @throws ClaimLost */
  async finish(job: ClaimedJob, end: JobEnd): Promise<void> {
    const code = end.state === 'failed' ? end.code : null;
    await this.set(
      job,
      `state = $3, code = $4, message = $5, claim = NULL, finished_at = clock_timestamp(),
       total = CASE WHEN $3 = 'succeeded' THEN done + failed + skipped ELSE total END`,
      [end.state, code, end.message],
    );
    this.ownClaims.delete(job.claim);
  }

  /**
   * Puts a job back into the queue, from where it goes on.
   *
   * @param why `waitMs` until it is started again; `counts`: the attempt counts towards the limit
   * @throws ClaimLost
   */
  async release(
    job: ClaimedJob,
    why: { readonly waitMs: number; readonly counts: boolean; readonly message: string | null },
  ): Promise<void> {
    await this.set(
      job,
      `state = 'queued', claim = NULL, message = $3, attempts = GREATEST(0, attempts - $4),
       run_after = clock_timestamp() + $5::float8 * interval '1 millisecond'`,
      [why.message, why.counts ? 0 : 1, why.waitMs],
    );
    this.ownClaims.delete(job.claim);
  }

  /** Lets the claim expire: `recover` then takes the job for one whose process is gone. */
  giveUp({ claim }: ClaimedJob): void {
    this.ownClaims.delete(claim);
  }

  /** Queues jobs again whose claim has expired. One that has had `attempts` starts since its latest step fails. */
  async recover(
    attempts: number,
    failure: { readonly code: string; readonly message: string },
  ): Promise<void> {
    const running = await this.db.run<{ id: string; claim: string; owner: unknown; silent: number }>(
      `SELECT id, claim, owner, EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent
       FROM job WHERE state = 'running'`,
    );
    for (const { id, claim, owner: by, silent } of running) {
      if (this.ownClaims.has(claim) || !isLost(this.db, by, silent)) continue;
      await this.db.run(
        `UPDATE job SET claim = NULL, state = CASE WHEN attempts >= $3 THEN 'failed' ELSE 'queued' END,
           finished_at = CASE WHEN attempts >= $3 THEN clock_timestamp() END,
           code = CASE WHEN attempts >= $3 THEN $4 END, message = CASE WHEN attempts >= $3 THEN $5 END
         WHERE id = $1 AND claim = $2`,
        [id, claim, attempts, failure.code, failure.message],
      );
    }
  }

  /** Cancels a queued or running job of any process. False where it is neither. */
  async cancel(id: string): Promise<boolean> {
    const found = await this.db.run(
      `UPDATE job SET state = 'cancelled', claim = NULL, code = NULL, message = NULL, run_after = NULL,
         finished_at = clock_timestamp()
       WHERE id = $1 AND state IN ('queued', 'running') RETURNING id`,
      [id],
    );
    return found.length > 0;
  }

  /** Puts a failed or cancelled job back into the queue, from where it goes on. False where it is in another state. */
  async requeue(id: string): Promise<boolean> {
    const found = await this.db.run(
      `UPDATE job SET state = 'queued', code = NULL, message = NULL, attempts = 0, finished_at = NULL
       WHERE id = $1 AND state IN ('failed', 'cancelled') RETURNING id`,
      [id],
    );
    return found.length > 0;
  }

  private async set(
    { id, claim }: ClaimedJob,
    assignments: string,
    values: readonly unknown[] = [],
  ): Promise<void> {
    const found = await this.db.run(
      `UPDATE job SET ${assignments} WHERE id = $1 AND claim = $2 RETURNING id`,
      [id, claim, ...values],
    );
    if (found.length === 0) throw new ClaimLost(id);
  }
}
