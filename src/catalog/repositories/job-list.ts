import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../domain/errors.js';
import {
  JOB_KINDS,
  JOB_STATES,
  type JobFailure,
  type JobKindName,
  type JobRow,
  type JobState,
} from '../../domain/job.js';
import type { Database } from '../postgres/database.js';

/** Which jobs to list; null: all. */
export interface JobFilter {
  readonly states: readonly JobState[] | null;
  readonly kinds: readonly JobKindName[] | null;
}

/** What else is known of a job of this table. */
export interface JobRequest {
  readonly kind: string;
  readonly parameters: unknown;
}

/**
 * Trainings and evaluations are listed from their own tables, so that their state is stored once. An evaluation has the id of
 * its encoder; its id as a job is derived from that.
 */
const ALL_JOBS = `(
  SELECT id, kind, state, total, done, failed, skipped, code, message, requested_by, created_at, started_at, finished_at FROM job
  UNION ALL
  SELECT id, 'TRAINING',
    CASE state WHEN 'queued' THEN 'queued' WHEN 'training' THEN 'running' WHEN 'embedding' THEN 'running'
      WHEN 'failed' THEN 'failed' WHEN 'cancelled' THEN 'cancelled' ELSE 'succeeded' END,
    (progress->>'all')::int, COALESCE((progress->>'done')::int, 0), 0, 0,
    failure->>'code', COALESCE(failure->>'message', progress->>'stage'), NULL, created_at, started_at, finished_at
  FROM encoder WHERE removed_at IS NULL
  UNION ALL
  SELECT md5('evaluation ' || v.encoder_id)::uuid, 'EVALUATION',
    CASE v.state WHEN 'done' THEN 'succeeded' ELSE v.state END,
    NULL, 0, 0, 0, v.failure->>'code', v.failure->>'message', NULL, v.started_at, v.started_at, v.finished_at
  FROM encoder_evaluation v JOIN encoder e ON e.id = v.encoder_id AND e.removed_at IS NULL
) AS j`;

const COLUMNS = `j.id, j.kind, j.state, j.total, j.done, j.failed, j.skipped, j.code, j.message,
  j.requested_by AS "requestedBy", j.created_at AS "createdAt", j.started_at AS "startedAt", j.finished_at AS "finishedAt"`;

const MATCHES = `($1::text[] IS NULL OR j.state = ANY($1::text[])) AND ($2::text[] IS NULL OR j.kind = ANY($2::text[]))`;

const jobRow: z.ZodType<JobRow> = z.object({
  id: z.string(),
  kind: z.enum(JOB_KINDS),
  state: z.enum(JOB_STATES),
  total: z.number().nullable(),
  done: z.number(),
  failed: z.number(),
  skipped: z.number(),
  code: z.string().nullable(),
  message: z.string().nullable(),
  requestedBy: z.string().nullable(),
  createdAt: z.date(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
});

const failureRow = z.object({
  ordinal: z.number(),
  reference: z.string(),
  code: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
  input: z.unknown(),
});

/** All jobs as callers see them: those of the queue, trainings and evaluations. */
export class JobList {
  constructor(private readonly db: Database) {}

  async byId(id: string): Promise<JobRow | null> {
    const [row] = await this.db.run(`SELECT ${COLUMNS} FROM ${ALL_JOBS} WHERE j.id = $1::uuid`, [id]);
    return row === undefined ? null : jobRow.parse(row);
  }

  /** The newest first. @param after the last job of the page before */
  async page(
    { states, kinds }: JobFilter,
    after: { readonly createdAt: Date; readonly id: string } | null,
    limit: number,
  ): Promise<JobRow[]> {
    const rows = await this.db.run(
      `SELECT ${COLUMNS} FROM ${ALL_JOBS} WHERE ${MATCHES}
         AND ($3::timestamptz IS NULL OR (j.created_at, j.id) < ($3::timestamptz, $4::uuid))
       ORDER BY j.created_at DESC, j.id DESC LIMIT $5`,
      [states, kinds, after?.createdAt.toISOString() ?? null, after?.id ?? null, limit],
    );
    return z.array(jobRow).parse(rows);
  }

  async count({ states, kinds }: JobFilter): Promise<number> {
    const [row] = await this.db.run<{ count: number }>(
      `SELECT count(*)::int AS count FROM ${ALL_JOBS} WHERE ${MATCHES}`,
      [states, kinds],
    );
    return row?.count ?? 0;
  }

  /** The number of jobs by kind and state. */
  async counts(): Promise<{ readonly kind: string; readonly state: string; readonly count: number }[]> {
    return await this.db.run(
      `SELECT j.kind, j.state, count(*)::int AS count FROM ${ALL_JOBS} GROUP BY j.kind, j.state`,
    );
  }

  /** What a job was asked for; null for a training or an evaluation. */
  async request(id: string): Promise<JobRequest | null> {
    const [row] = await this.db.run<JobRequest>('SELECT kind, parameters FROM job WHERE id = $1', [id]);
    return row ?? null;
  }

  /** The failed inputs in their order. @param after ordinal of the last one of the page before; 0 for the first page */
  async failures(id: string, after: number, limit: number): Promise<JobFailure[]> {
    const rows = await this.db.run(
      `SELECT ordinal, reference, code, message, input FROM job_failure
       WHERE job_id = $1 AND ordinal > $2 ORDER BY ordinal LIMIT $3`,
      [id, after, limit],
    );
    return z.array(failureRow).parse(rows);
  }

  /** Where a job goes on, as its kind has stored it; null before its first step. */
  async position(id: string): Promise<unknown> {
    const [row] = await this.db.run<{ position: unknown }>('SELECT position FROM job WHERE id = $1', [id]);
    return row?.position ?? null;
  }

  /** Ids of files that bulk ingests and imports need: those under way, and those that ended with failures after this time. */
  async filesInUse(endedAfter: Date): Promise<ReadonlySet<string>> {
    const rows = await this.db.run<{ file: string }>(
      `SELECT DISTINCT parameters->'source'->>'file' AS file FROM job
       WHERE kind IN ('INGEST', 'IMPORT') AND parameters->'source' ? 'file' AND (state IN ('queued', 'running')
         OR ((state <> 'succeeded' OR failed > 0) AND finished_at > $1))`,
      [endedAfter.toISOString()],
    );
    return new Set(rows.map(({ file }) => file));
  }

  /** Removes jobs that ended before this time. @returns how many */
  async removeEnded(before: Date): Promise<number> {
    return (
      await this.db.run(
        `DELETE FROM job WHERE state IN ('succeeded', 'failed', 'cancelled') AND finished_at < $1 RETURNING id`,
        [before.toISOString()],
      )
    ).length;
  }
}
