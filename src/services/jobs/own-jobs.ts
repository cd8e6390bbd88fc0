import { setTimeout } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../../catalog/catalog.js';
import type { ClaimedJob } from '../../catalog/repositories/jobs.js';
import {
  CommonspaceError,
  isErrorCode,
  type ReportUnexpected,
  throwIfCancelled,
} from '../../domain/errors.js';
import { isUnderWay, type JobRow } from '../../domain/job.js';
import { outsideRequest } from '../../platform/request-work.js';
import { UNLIMITED } from './job-fetches.js';
import { type JobKind, SERVER, storedKind } from './job-kind.js';
import { JobWork, recoverJobs } from './job-work.js';

/** Interval at which a job of another process is looked at. */
const POLL_MS = 500;

export interface OwnJobHooks {
  /** The job, after each step and at its end. */
  readonly onStep?: (job: JobRow) => void;
  /** Cancels the job if this process does it, and else ends the wait for it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Jobs that a process does itself, beside the slots of its runner, because something that it does needs their result. Processes
 * that need the same one at the same time do it once: one of them does it, and the others wait.
 */
export class OwnJobs {
  private readonly stopping = new AbortController();
  private readonly working = new Set<Promise<void>>();

  constructor(
    private readonly catalog: Pick<Catalog, 'jobs' | 'jobList'>,
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /**
   * Does a job, or goes on with the one of this kind and these parameters that is under way.
   *
   * @returns the job, which has succeeded
   * @throws CommonspaceError by which it failed; CANCELLED if it or the wait for it was cancelled, or the process stops
   */
  async complete<P extends object>(
    kind: JobKind<P>,
    parameters: P,
    hooks: OwnJobHooks = {},
  ): Promise<JobRow> {
    return await outsideRequest(async () => {
      const row = await this.untilEnded(kind, parameters, hooks);
      if (row.state === 'succeeded') return row;
      if (row.state === 'cancelled')
        throw new CommonspaceError('CANCELLED', `The job ${row.kind} ${row.id} was cancelled.`);
      // An unexpected error was reported when it occurred.
      throw new CommonspaceError(isErrorCode(row.code) ? row.code : 'INTERNAL', row.message ?? '');
    });
  }

  /** Whether such a job waits for a process that does it. */
  async waits(kind: Pick<JobKind<object>, 'name'>, parameters: object): Promise<boolean> {
    await recoverJobs(this.catalog.jobs);
    const id = await this.catalog.jobs.underWay(kind.name, parameters);
    return id !== null && (await this.catalog.jobList.byId(id))?.state === 'queued';
  }

  /** Whether such a job has gone wrong in the latest time: it failed, was cancelled, or had failed inputs. */
  async wentWrongWithin(
    kind: Pick<JobKind<object>, 'name'>,
    parameters: object,
    milliseconds: number,
  ): Promise<boolean> {
    const since = new Date(Date.now() - milliseconds);
    return await this.catalog.jobs.wentWrongSince(kind.name, parameters, since);
  }

  /** Puts the jobs of this process back into the queue. Call it before what waits for them is stopped. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.allSettled(this.working);
  }

  private async untilEnded<P extends object>(
    kind: JobKind<P>,
    parameters: P,
    { onStep = () => {}, signal }: OwnJobHooks,
  ): Promise<JobRow> {
    const { jobs, jobList } = this.catalog;
    const ended = AbortSignal.any([this.stopping.signal, ...(signal ? [signal] : [])]);
    throwIfCancelled(ended);
    await recoverJobs(jobs);
    const joined = await jobs.join({ id: uuidv7(), kind: kind.name, parameters, requestedBy: SERVER });
    const { id } = joined;
    for (let { claimed } = joined; ; claimed = await jobs.claim([kind.name], id)) {
      if (claimed !== null) await this.work(claimed, kind, { onStep, signal });
      throwIfCancelled(ended);
      const row = await jobList.byId(id);
      if (row === null) throw new CommonspaceError('CANCELLED', `The job ${kind.name} ${id} was removed.`);
      onStep(row);
      if (!isUnderWay(row.state)) return row;
      await setTimeout(POLL_MS, null, { signal: ended }).catch(() => {});
      await recoverJobs(jobs);
    }
  }

  private async work<P extends object>(
    job: ClaimedJob,
    kind: JobKind<P>,
    { onStep, signal }: Required<Pick<OwnJobHooks, 'onStep'>> & OwnJobHooks,
  ): Promise<void> {
    const { jobs, jobList } = this.catalog;
    const stored = storedKind(kind);
    const observed = {
      ...stored,
      runStored: (parameters: unknown, context: Parameters<typeof stored.runStored>[1]) =>
        stored.runStored(parameters, {
          ...context,
          advance: async (step) => {
            await context.advance(step);
            const row = await jobList.byId(job.id);
            if (row !== null) onStep(row);
          },
        }),
    };
    const work = new JobWork(
      jobs,
      job,
      observed,
      this.stopping.signal,
      this.reportUnexpected,
      async () => UNLIMITED,
    );
    let cancelling: Promise<unknown> = Promise.resolve();
    const cancel = () => {
      // A process that stops aborts what it does, too; the job is to go on elsewhere.
      if (this.stopping.signal.aborted) return;
      cancelling = jobs.cancel(job.id).catch(this.reportUnexpected);
      work.abort();
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      if (signal?.aborted) cancel();
      const working = work.run();
      this.working.add(working);
      await working.finally(() => this.working.delete(working));
    } finally {
      signal?.removeEventListener('abort', cancel);
      await cancelling;
    }
  }
}
