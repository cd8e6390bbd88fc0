import type { JobKindName, JobState } from '../../domain/job.js';

/** Jobs as commands show and change them. */
export interface JobBackend {
  /** The newest first. @param states null: all */
  page(states: readonly JobState[] | null, first: number): Promise<JobPageView>;
  /** @throws CommonspaceError JOB_NOT_FOUND */
  require(id: string): Promise<JobView>;
  /** The first failed inputs. */
  failures(id: string, first: number): Promise<readonly JobFailureView[]>;
  /** @throws CommonspaceError JOB_NOT_FOUND, JOB_STATE, FORBIDDEN */
  cancel(id: string): Promise<JobView>;
  /** @returns the job that repeats what failed. @throws CommonspaceError JOB_NOT_FOUND, JOB_STATE, FORBIDDEN */
  retry(id: string): Promise<JobView>;
}

interface JobPageView {
  readonly totalCount: number;
  readonly jobs: readonly JobView[];
}

export interface JobView {
  readonly id: string;
  readonly kind: JobKindName;
  readonly state: JobState;
  readonly total: number | null;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly message: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly requestedBy: string | null;
}

interface JobFailureView {
  readonly ordinal: number;
  readonly reference: string;
  readonly code: string;
  readonly message: string;
}
