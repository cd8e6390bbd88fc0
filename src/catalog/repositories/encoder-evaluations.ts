import { randomUUID } from 'node:crypto';
import { encoderFailure } from '../../domain/encoder-record.js';
import type { EncoderFailure } from '../../domain/encoder-status.js';
import {
  type EvaluationRecord,
  evaluationRecord,
  type NewEvaluationRecord,
} from '../../domain/evaluation-record.js';
import type { Database } from '../postgres/database.js';
import { parseStored } from './stored-json.js';
import { isLost, owner } from './work-owner.js';

/** The latest evaluation of an encoder. `record` is that of the latest one that finished, which may be an earlier one. */
export type EncoderEvaluationRow = {
  readonly encoderId: string;
  readonly record: EvaluationRecord | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
} & ({ readonly state: 'running' | 'done' } | { readonly state: 'failed'; readonly failure: EncoderFailure });

const COLUMNS = `encoder_id AS "encoderId", state, record, failure, started_at AS "startedAt",
  finished_at AS "finishedAt"`;

interface StoredRow {
  readonly encoderId: string;
  /** A check constraint allows these alone. */
  readonly state: EncoderEvaluationRow['state'];
  readonly record: unknown;
  readonly failure: unknown;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** Evaluations of encoders; at most one of each encoder runs at a time, on any server. */
export class EncoderEvaluations {
  /** Claims of this process, which are valid while it runs. */
  private readonly ownClaims = new Set<string>();

  constructor(private readonly db: Database) {}

  async byEncoder(encoderId: string): Promise<EncoderEvaluationRow | null> {
    const [stored] = await this.db.run<StoredRow>(
      `SELECT ${COLUMNS} FROM encoder_evaluation WHERE encoder_id = $1`,
      [encoderId],
    );
    return stored ? evaluationRow(stored) : null;
  }

  /** Starts an evaluation. @returns its claim; null where one is running. */
  async begin(encoderId: string): Promise<string | null> {
    const claim = randomUUID();
    const [row] = await this.db.run(
      `INSERT INTO encoder_evaluation AS e (encoder_id, state, claim, owner, heartbeat_at)
       VALUES ($1, 'running', $2, $3::jsonb, clock_timestamp())
       ON CONFLICT (encoder_id) DO UPDATE SET state = 'running', claim = EXCLUDED.claim, owner = EXCLUDED.owner,
         heartbeat_at = clock_timestamp(), failure = NULL, started_at = clock_timestamp(), finished_at = NULL
       WHERE e.state <> 'running' RETURNING 1`,
      [encoderId, claim, owner()],
    );
    if (!row) return null;
    this.ownClaims.add(claim);
    return claim;
  }

  /** Heartbeat. False where the claim is lost or the encoder was removed. */
  async beat(claim: string): Promise<boolean> {
    const found = await this.db.run(
      'UPDATE encoder_evaluation SET heartbeat_at = clock_timestamp() WHERE claim = $1 RETURNING 1',
      [claim],
    );
    return found.length > 0;
  }

  async finish(claim: string, record: NewEvaluationRecord): Promise<void> {
    await this.end(claim, `state = 'done', record = $2::jsonb`, record);
  }

  async fail(claim: string, failure: EncoderFailure): Promise<void> {
    await this.end(claim, `state = 'failed', failure = $2::jsonb`, failure);
  }

  /** Lets the claim expire: failInterrupted then takes the evaluation for one whose process is gone. */
  giveUp(claim: string): void {
    this.ownClaims.delete(claim);
  }

  /** Marks evaluations whose claim has expired as failed. */
  async failInterrupted(failure: EncoderFailure): Promise<void> {
    const running = await this.db.run<{ claim: string; owner: unknown; silent: number }>(
      `SELECT claim, owner, EXTRACT(EPOCH FROM clock_timestamp() - heartbeat_at)::float8 AS silent
       FROM encoder_evaluation WHERE state = 'running'`,
    );
    for (const { claim, owner: by, silent } of running) {
      if (!this.ownClaims.has(claim) && isLost(this.db, by, silent)) await this.fail(claim, failure);
    }
  }

  private async end(claim: string, set: string, value: object): Promise<void> {
    await this.db.run(
      `UPDATE encoder_evaluation SET ${set}, claim = NULL, finished_at = clock_timestamp() WHERE claim = $1`,
      [claim, JSON.stringify(value)],
    );
    this.ownClaims.delete(claim);
  }
}

/** @throws CommonspaceError BAD_ENCODER_RECORD */
function evaluationRow({ state, record, failure, ...row }: StoredRow): EncoderEvaluationRow {
  const parsed = parseStored(evaluationRecord.nullable(), record, row.encoderId, 'evaluation.record');
  if (state !== 'failed') return { ...row, state, record: parsed };
  return {
    ...row,
    state,
    record: parsed,
    failure: parseStored(encoderFailure, failure, row.encoderId, 'evaluation.failure'),
  };
}
