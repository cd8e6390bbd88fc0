import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../../catalog/catalog.js';
import type { ReportUnexpected } from '../../../domain/errors.js';
import type { JobService } from '../../jobs/job-service.js';

const EVERY_MS = 30_000;
/** A map that could not be computed is not attempted again before this time has passed. */
const AFTER_FAILURE_MS = 3_600_000;
/** Share of new items at which a map is computed again, and the fewest. */
const NEW_SHARE = 0.1;
const NEW_ITEMS = 50;

/** Begins the map of the active encoder if it is missing, and again after many items were stored. A new item gets its point then. */
export class MapSchedule {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;

  constructor(
    private readonly catalog: Pick<Catalog, 'encoders' | 'mapPoints' | 'jobs'>,
    private readonly jobs: Pick<JobService, 'beginUnlessSince'>,
    private readonly reportUnexpected: ReportUnexpected,
    private readonly everyMs = EVERY_MS,
  ) {}

  /** Starts, once. It does not keep the process alive. */
  start(): void {
    this.loop ??= this.repeat();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async repeat(): Promise<void> {
    const { signal } = this.stopping;
    const pause = () => setTimeout(this.everyMs, null, { signal, ref: false }).catch(() => {});
    for (await pause(); !signal.aborted; await pause()) {
      await this.check().catch((error: unknown) => {
        if (!signal.aborted) this.reportUnexpected(error);
      });
    }
  }

  private async check(): Promise<void> {
    const active = await this.catalog.encoders.active();
    if (active === null) return;
    const map = await this.catalog.mapPoints.current(active.id);
    if (map !== null) {
      const fresh = await this.catalog.mapPoints.itemsSince(map.completedAt);
      if (fresh < Math.max(NEW_ITEMS, NEW_SHARE * map.points)) return;
    }
    const parameters = { encoderId: active.id };
    const since = new Date(Date.now() - AFTER_FAILURE_MS);
    if (await this.catalog.jobs.wentWrongSince('PROJECTION', parameters, since)) return;
    await this.jobs.beginUnlessSince({ name: 'PROJECTION' }, parameters, this.everyMs);
  }
}
