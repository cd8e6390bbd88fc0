import { setTimeout } from 'node:timers/promises';
import type { ClaimedJob, Jobs } from '../../catalog/repositories/jobs.js';
import type { Caller } from '../../domain/access.js';
import type { ReportUnexpected } from '../../domain/errors.js';
import type { FetchAllowance } from '../../domain/fetch-budget.js';
import { UNLIMITED } from './job-fetches.js';
import type { AnyJobKind, JobSlot } from './job-kind.js';
import { JobWork, recoverJobs } from './job-work.js';

/** Interval at which an idle process looks for jobs. */
const POLL_MS = 2_000;

/** What a caller may fetch in a minute. */
export type AllowanceOf = (caller: Pick<Caller, 'name' | 'keyId'>) => Promise<FetchAllowance>;

/** Works on queued jobs. Several processes may do so on one database. */
export class JobRunner {
  private readonly kinds: ReadonlyMap<string, AnyJobKind>;
  private readonly working = new Map<string, JobWork>();
  private readonly stopping = new AbortController();
  private loops: Promise<unknown> | null = null;
  private readonly pauses = new Set<AbortController>();

  constructor(
    private readonly jobs: Jobs,
    kinds: readonly AnyJobKind[],
    private readonly reportUnexpected: ReportUnexpected,
    private readonly allowanceOf: AllowanceOf = async () => UNLIMITED,
  ) {
    this.kinds = new Map(kinds.map((kind) => [kind.name, kind]));
  }

  /**
   * Starts the work, once. Beside the slots that do any job there is one for short jobs, so that they do not wait for a long one.
   *
   * @param atOnce long jobs that this process works on at a time; 0: it does no jobs
   */
  start(atOnce: number): void {
    if (atOnce === 0 || this.loops !== null) return;
    const any = Array.from({ length: atOnce }, () => this.workOnQueue(['long', 'short']));
    this.loops = Promise.all([...any, this.workOnQueue(['short'])]);
  }

  /** Waits until the jobs of this process are back in the queue. They go on from their latest step. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.loops;
  }

  /** Looks at the queue now. */
  wake(): void {
    for (const pause of this.pauses) pause.abort();
  }

  /** Stops the work on a cancelled job, if this process does it. */
  abort(id: string): void {
    this.working.get(id)?.abort();
  }

  private async workOnQueue(slots: readonly JobSlot[]): Promise<void> {
    const kinds = [...this.kinds.values()].filter(({ slot }) => slots.includes(slot)).map(({ name }) => name);
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await recoverJobs(this.jobs);
        const job = await this.jobs.claim(kinds);
        if (job === null) await this.pause();
        else await this.work(job);
      } catch (error) {
        this.reportUnexpected(error);
        await this.pause();
      }
    }
  }

  private async work(job: ClaimedJob): Promise<void> {
    const kind = this.kinds.get(job.kind);
    if (kind === undefined) throw new Error(`a job of the unknown kind ${job.kind} was claimed`);
    const allowance = () => this.allowanceOf({ name: job.requestedBy, keyId: job.keyId });
    const { signal } = this.stopping;
    const work = new JobWork(this.jobs, job, kind, signal, this.reportUnexpected, allowance);
    this.working.set(job.id, work);
    try {
      await work.run();
    } finally {
      // A job that was cancelled and repeated may already be running again in this process.
      if (this.working.get(job.id) === work) this.working.delete(job.id);
    }
  }

  private async pause(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const ended = new AbortController();
    this.pauses.add(ended);
    await setTimeout(POLL_MS, null, { signal: ended.signal }).catch(() => {});
    this.pauses.delete(ended);
  }
}
