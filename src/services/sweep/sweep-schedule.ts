import { setTimeout } from 'node:timers/promises';
import type { ReportUnexpected } from '../../domain/errors.js';

const FIRST_AFTER_MS = 10 * 60_000;
const EVERY_MS = 6 * 3_600_000;
/** Another server that began one since then spares this one. */
export const SPARED_MS = 5 * 3_600_000;

/** Begins sweeps in the background of a running server. Features stay: `commonspace sweep --features` removes them. */
export class SweepSchedule {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;

  constructor(
    private readonly sweep: { run(options: { readonly signal: AbortSignal }): Promise<unknown> },
    private readonly reportUnexpected: ReportUnexpected,
    private readonly times = { firstAfterMs: FIRST_AFTER_MS, everyMs: EVERY_MS },
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
    const pause = (ms: number) => setTimeout(ms, null, { signal, ref: false }).catch(() => {});
    await pause(this.times.firstAfterMs);
    while (!signal.aborted) {
      await this.sweep.run({ signal }).catch((error: unknown) => {
        if (!signal.aborted) this.reportUnexpected(error);
      });
      await pause(this.times.everyMs);
    }
  }
}
