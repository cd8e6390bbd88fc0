import type { Catalog } from '../../catalog/catalog.js';
import { type ClaimedRun, ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderProgress, EpochProgress } from '../../domain/encoder-status.js';

/** Interval of the heartbeat, which also stores the latest progress. */
const BEAT_MS = 1_000;

/** Renews the claim of a run while it works, stores its progress, and signals when the claim is lost. */
export class Heartbeat {
  private readonly claimLost = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private progress: EncoderProgress | null = null;
  /** Epochs that are not stored yet. */
  private epochs: readonly EpochProgress[] = [];
  private step = '';
  private beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly catalog: Catalog,
    private readonly run: ClaimedRun,
    private readonly reportUnexpected: (error: unknown) => void,
  ) {
    this.timer = setInterval(() => {
      this.beating = this.beating.then(() => this.beat());
    }, BEAT_MS);
  }

  /** Aborts, with a ClaimLost, when the run was cancelled or another process claimed it. */
  get lost(): AbortSignal {
    return this.claimLost.signal;
  }

  /** Stored at the next heartbeat; at once when a new step begins. */
  report(progress: EncoderProgress): void {
    this.progress = progress;
    if (progress.epoch !== null) this.epochs = [...this.epochs, progress.epoch];
    const step = `${progress.stage} ${progress.epoch === null}`;
    if (step !== this.step) this.beating = this.beating.then(() => this.beat());
    this.step = step;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
  }

  private async beat(): Promise<void> {
    if (this.claimLost.signal.aborted) return;
    const { progress, epochs } = this;
    this.progress = null;
    try {
      await this.catalog.encoderEpochs.add(this.run, epochs);
      this.epochs = this.epochs.slice(epochs.length);
      await this.catalog.encoderRuns.beat(this.run, progress);
    } catch (error) {
      if (error instanceof ClaimLost) this.claimLost.abort(error);
      // The database may answer at the next heartbeat.
      else this.reportUnexpected(error);
    }
  }
}
