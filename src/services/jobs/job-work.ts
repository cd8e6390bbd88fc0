import { ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import type { ClaimedJob, Jobs } from '../../catalog/repositories/jobs.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import type { FetchAllowance } from '../../domain/fetch-budget.js';
import { JobFetches } from './job-fetches.js';
import type { AnyJobKind } from './job-kind.js';

const BEAT_MS = 2_000;
/** Starts of a job since its latest step, after which it fails. */
const MAX_ATTEMPTS = 5;
/** Before the second attempt; it doubles with each. */
const FIRST_WAIT_MS = 1_000;

const INTERNAL = 'An unexpected error occurred. The log has the details.';

const INTERRUPTED = {
  code: 'INTERRUPTED',
  message: `The process that worked on it ended, ${MAX_ATTEMPTS} times at the same step. It can be retried.`,
} as const;

/** Puts the jobs of processes that have ended back into the queue. */
export async function recoverJobs(jobs: Pick<Jobs, 'recover'>): Promise<void> {
  await jobs.recover(MAX_ATTEMPTS, INTERRUPTED);
}

/** Does one claimed job, and stores how it ended. */
export class JobWork {
  private readonly lost = new AbortController();
  /** Starts since the latest step, with this one. */
  private attempts: number;

  /**
   * @param stopping aborts when the process stops: the job goes back into the queue
   * @param allowance what the key that asked for it may fetch
   */
  constructor(
    private readonly jobs: Jobs,
    private readonly job: ClaimedJob,
    private readonly kind: AnyJobKind,
    private readonly stopping: AbortSignal,
    private readonly reportUnexpected: ReportUnexpected,
    private readonly allowance: () => Promise<FetchAllowance>,
  ) {
    this.attempts = job.attempts;
  }

  /** Stops the work: the job was cancelled. */
  abort(): void {
    this.lost.abort(new ClaimLost(this.job.id));
  }

  /** @throws CommonspaceError DATABASE_UNREACHABLE if it cannot be stored how the job ended; the claim is given up then */
  async run(): Promise<void> {
    const { job, jobs } = this;
    const timer = setInterval(() => void this.beat(), BEAT_MS);
    try {
      const store = await this.attempt();
      await store();
    } catch (error) {
      jobs.giveUp(job);
      // Otherwise another attempt continues from the latest stored step.
      if (!(error instanceof ClaimLost)) throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** @returns what stores the outcome */
  private async attempt(): Promise<() => Promise<void>> {
    const { job, jobs } = this;
    try {
      const message = await this.kind.runStored(job.parameters, {
        id: job.id,
        position: job.position,
        requestedBy: job.requestedBy,
        fetches: new JobFetches(await this.allowance()),
        signal: AbortSignal.any([this.lost.signal, this.stopping]),
        advance: async (step) => {
          await jobs.advance(job, step);
          this.attempts = 0;
        },
      });
      return () => jobs.finish(job, { state: 'succeeded', message });
    } catch (error) {
      return this.afterError(error);
    }
  }

  private afterError(error: unknown): () => Promise<void> {
    const { job, jobs } = this;
    if (error instanceof ClaimLost || this.lost.signal.aborted) throw new ClaimLost(job.id);
    if (this.stopping.aborted) return () => jobs.release(job, { waitMs: 0, counts: false, message: null });
    if (error instanceof CommonspaceError) {
      const { code, message, retryAfter } = error;
      const waitMs = (retryAfter ?? 0) * 1000;
      if (waitMs > 0) return () => jobs.release(job, { waitMs, counts: false, message });
      return () => jobs.finish(job, { state: 'failed', code, message });
    }
    this.reportUnexpected(error);
    if (this.attempts >= MAX_ATTEMPTS)
      return () => jobs.finish(job, { state: 'failed', code: 'INTERNAL', message: INTERNAL });
    const waitMs = FIRST_WAIT_MS * 2 ** this.attempts;
    return () => jobs.release(job, { waitMs, counts: true, message: INTERNAL });
  }

  private async beat(): Promise<void> {
    try {
      await this.jobs.beat(this.job);
    } catch (error) {
      if (error instanceof ClaimLost) this.abort();
      // The database may answer at the next heartbeat.
      else this.reportUnexpected(error);
    }
  }
}
