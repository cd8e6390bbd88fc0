/** Jobs: long work that goes on after its request, which any server or worker does. */
import type { ErrorCode } from './errors.js';

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Work of the job list. Trainings and evaluations have tables of their own; the others are rows of `job`. */
export const JOB_KINDS = [
  'INGEST',
  'IMPORT',
  'DELETION',
  'SWEEP',
  'EXTRACTION',
  'INDEX',
  'PROJECTION',
  'TRAINING',
  'EVALUATION',
] as const;
export type JobKindName = (typeof JOB_KINDS)[number];

/** Whether a job in this state changes without a further request. */
export function isUnderWay(state: JobState): boolean {
  return state === 'queued' || state === 'running';
}

/** Inputs of a job by outcome. At the end of a job that succeeded, the three add up to all inputs. */
interface JobCounts {
  readonly done: number;
  readonly failed: number;
  /** Inputs that need no work. */
  readonly skipped: number;
}

/** A job as callers see it. */
export interface JobRow extends JobCounts {
  readonly id: string;
  readonly kind: JobKindName;
  readonly state: JobState;
  /** Inputs in all; null while it is not known. */
  readonly total: number | null;
  /** Of the error by which it failed; null in any other state. */
  readonly code: string | null;
  /** Why it failed or waits, or what it did. */
  readonly message: string | null;
  /** Name of the key; `server` for work that a server began by itself; null for trainings and evaluations. */
  readonly requestedBy: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** An input of a job that failed. */
export interface JobFailure {
  /** Of the input within the job, from 1. */
  readonly ordinal: number;
  /** For people: a line, a file. */
  readonly reference: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** What was given, for people; null where it cannot be shown as JSON. */
  readonly input: unknown;
}

/** A part of a job that is complete. It is stored as a whole, or not at all. */
export interface JobStep extends JobCounts {
  /** Where the job goes on if another process continues it; JSON. */
  readonly position: unknown;
  /** If it is known now. */
  readonly total?: number;
  readonly failures?: readonly JobFailure[];
}
