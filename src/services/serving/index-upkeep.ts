import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.js';
import { ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import { INDEX_FROM_ROWS } from '../../catalog/vectors/vector-indexes.js';
import { CommonspaceError, type ReportUnexpected, throwIfCancelled } from '../../domain/errors.js';
import type { JobContext, JobKind } from '../jobs/job-kind.js';
import type { OwnJobs } from '../jobs/own-jobs.js';

/** Interval at which a running server looks for partitions that have grown past the threshold. */
const CHECK_EVERY_MS = 60_000;
/**
 * An index build occupies the embedded database's only connection (20,000 vectors: 5 to 40 s), so it begins only after this
 * time without a request.
 */
const QUIET_MS = 30_000;
/** After builds that failed or were cancelled, a server begins no further ones for this time. */
const REPEAT_AFTER_MS = 6 * 3_600_000;

const parameters = z.object({});
const position = z.object({ built: z.number() });

/**
 * Builds the vector indexes that are missing, whatever made a partition grow: ingests of any process, imports, backfills,
 * embeddings. The builds are a job that this process does; its inputs are indexes.
 */
export class IndexUpkeep {
  readonly kind: JobKind<object> = {
    name: 'INDEX',
    slot: 'own',
    scope: 'admin',
    parameters,
    run: (_, context) => this.build(context),
  };
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;
  private requests = 0;
  private lastRequest = Number.NEGATIVE_INFINITY;
  private endPause: () => void = () => {};

  constructor(
    private readonly catalog: Pick<Catalog, 'kind' | 'indexes'>,
    private readonly jobs: Pick<OwnJobs, 'complete' | 'waits' | 'wentWrongWithin'>,
    private readonly reportUnexpected: ReportUnexpected,
    private readonly limits = { checkEveryMs: CHECK_EVERY_MS, quietMs: QUIET_MS, rows: INDEX_FROM_ROWS },
  ) {}

  /** Starts the checks in the background, once. They do not keep the process alive. */
  start(): void {
    this.loop ??= this.check();
  }

  /** A build that a server has begun is completed there. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.endPause();
    await this.loop;
  }

  /** Notes a request that is answered now, until the returned function is called. */
  request(): () => void {
    this.requests += 1;
    return () => {
      this.requests -= 1;
      this.lastRequest = performance.now();
    };
  }

  /**
   * Builds the missing indexes, unless some process does so. On an embedded database that answers requests, it returns at once,
   * and they are built in a quiet moment. A build that fails is in the list of jobs; searches compare all rows until it is repeated.
   *
   * @throws CommonspaceError CANCELLED
   */
  async ensure(signal?: AbortSignal): Promise<void> {
    if (this.buildsWhenQuiet) {
      this.endPause();
      return;
    }
    const { missing, building } = await this.state();
    if (missing === 0 || building > 0) return;
    await this.jobs.complete(this.kind, {}, { signal }).catch((error: unknown) => {
      if (!(error instanceof CommonspaceError)) throw error;
      throwIfCancelled(signal);
    });
  }

  /** The numbers of indexes that are missing and that are being built. */
  async state(): Promise<{ readonly missing: number; readonly building: number }> {
    const lacking = await this.catalog.indexes.lacking(this.limits.rows);
    const building = lacking.filter((one) => one.building).length;
    return { missing: lacking.length - building, building };
  }

  private get buildsWhenQuiet(): boolean {
    return this.loop !== null && this.catalog.kind === 'embedded';
  }

  private async check(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (this.catalog.kind === 'server') await this.buildMissing();
        else await this.buildWhenQuiet();
      } catch (error) {
        if (!isKnown(error)) this.reportUnexpected(error);
      }
      await this.pause(this.limits.checkEveryMs);
    }
  }

  private async buildMissing(): Promise<void> {
    if (await this.isWanted()) await this.jobs.complete(this.kind, {}, { signal: this.stopping.signal });
    // A small partition can have an invalid index, too.
    else if ((await this.state()).building === 0)
      await this.catalog.indexes.ensure({ rows: this.limits.rows, atMost: 0, signal: this.stopping.signal });
  }

  /** Builds one index in each quiet moment. */
  private async buildWhenQuiet(): Promise<void> {
    const { signal } = this.stopping;
    const { quietMs } = this.limits;
    while (!signal.aborted) {
      if (!(await this.isWanted())) return;
      while (!signal.aborted && this.quietFor() < quietMs) {
        await this.pause(this.requests > 0 ? quietMs : quietMs - this.quietFor());
      }
      if (!signal.aborted) await this.jobs.complete(this.kind, {}, { signal });
    }
  }

  /** Whether indexes are missing and none is being built, or such a job waits that was interrupted or retried. */
  private async isWanted(): Promise<boolean> {
    if (await this.jobs.waits(this.kind, {})) return true;
    const { missing, building } = await this.state();
    if (missing === 0 || building > 0) return false;
    return !(await this.jobs.wentWrongWithin(this.kind, {}, REPEAT_AFTER_MS));
  }

  private async build({ position: stored, signal, advance }: JobContext): Promise<string> {
    const { indexes } = this.catalog;
    const { rows } = this.limits;
    let built = stored === null ? 0 : position.parse(stored).built;
    const lacking = (await indexes.lacking(rows)).length;
    const wanted = this.buildsWhenQuiet ? Math.min(1, lacking) : lacking;
    const nothing = { done: 0, failed: 0, skipped: 0 };
    await advance({ ...nothing, position: { built }, total: built + wanted });
    for (let left = wanted; left > 0; left -= 1) {
      throwIfCancelled(signal);
      const [partition] = await this.untilCancelled(indexes.ensure({ rows, atMost: 1, signal }), signal);
      if (partition === undefined) {
        // The database still does a build of a process that has ended, or the rows were deleted.
        await advance({ ...nothing, position: { built }, skipped: left });
        break;
      }
      built += 1;
      await advance({ ...nothing, position: { built }, done: 1 });
    }
    return `${built} ${built === 1 ? 'index' : 'indexes'} built.`;
  }

  /** Without this the database would complete the build of a job that was cancelled. That of a process that stops is completed. */
  private async untilCancelled<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (signal.reason instanceof ClaimLost) await this.catalog.indexes.cancelBuild();
      throw error;
    }
  }

  private quietFor(): number {
    return this.requests > 0 ? 0 : performance.now() - this.lastRequest;
  }

  /** Ends early at `stop` and `ensure`. */
  private async pause(ms: number): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const ended = new AbortController();
    this.endPause = () => ended.abort();
    await setTimeout(Math.max(1, ms), null, { signal: ended.signal, ref: false }).catch(() => {});
  }
}

/** Whether the error is that of a job that was cancelled, or that failed by an error which was reported when it occurred. */
function isKnown(error: unknown): boolean {
  return error instanceof CommonspaceError && (error.code === 'CANCELLED' || error.code === 'INTERNAL');
}
