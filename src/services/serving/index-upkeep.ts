import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import { INDEX_FROM_ROWS } from '../../catalog/vectors/vector-indexes.js';
import type { ReportUnexpected } from '../../domain/errors.js';

/** Interval at which a running server looks for partitions that have grown past the threshold. */
const CHECK_EVERY_MS = 60_000;
/**
 * An index build occupies the embedded database's only connection (20,000 vectors: 5 to 40 s), so it begins only after this
 * time without a request.
 */
const QUIET_MS = 30_000;

/**
 * Builds the vector indexes that are missing, whatever made a partition grow: ingests of any process, imports, backfills,
 * embeddings.
 */
export class IndexUpkeep {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;
  private requests = 0;
  private lastRequest = Number.NEGATIVE_INFINITY;
  private endPause: () => void = () => {};

  constructor(
    private readonly catalog: Catalog,
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
   * Builds the missing indexes. On an embedded database that answers requests, it returns at once, and they are built in a
   * quiet moment.
   */
  async ensure(signal?: AbortSignal): Promise<void> {
    if (this.loop !== null && this.catalog.kind === 'embedded') this.endPause();
    else await this.catalog.indexes.ensure({ rows: this.limits.rows, ...(signal && { signal }) });
  }

  /** The numbers of indexes that are missing and that are being built. */
  async state(): Promise<{ readonly missing: number; readonly building: number }> {
    const lacking = await this.catalog.indexes.lacking(this.limits.rows);
    const building = lacking.filter((one) => one.building).length;
    return { missing: lacking.length - building, building };
  }

  private async check(): Promise<void> {
    const { signal } = this.stopping;
    const { checkEveryMs, rows } = this.limits;
    while (!signal.aborted) {
      try {
        if (this.catalog.kind === 'server') await this.catalog.indexes.ensure({ rows, signal });
        else await this.buildWhenQuiet();
      } catch (error) {
        if (!signal.aborted) this.reportUnexpected(error);
      }
      await this.pause(checkEveryMs);
    }
  }

  /** Builds one index in each quiet moment. */
  private async buildWhenQuiet(): Promise<void> {
    const { quietMs, rows } = this.limits;
    while (!this.stopping.signal.aborted) {
      if ((await this.catalog.indexes.lacking(rows)).length === 0) return;
      while (!this.stopping.signal.aborted && this.quietFor() < quietMs) {
        await this.pause(this.requests > 0 ? quietMs : quietMs - this.quietFor());
      }
      if (!this.stopping.signal.aborted) await this.catalog.indexes.ensure({ rows, atMost: 1 });
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
