import type { Catalog } from '../../catalog/catalog.js';
import { type ClaimedRun, ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderProgress } from '../../domain/encoder-status.js';

/** How often a run says that it is alive, and how far it is. Progress between is not told. */
const BEAT_MS = 1_000;

/** Tells the catalogue of a run as it goes on, and the run when it is not its own any more. */
export class Heartbeat {
  private readonly gone = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private progress: EncoderProgress | null = null;
  private doing = '';
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

  /** Aborts, with a ClaimLost, once somebody cancelled the run or took it over. */
  get lost(): AbortSignal {
    return this.gone.signal;
  }

  /** Told at once where something else is being done than before. */
  tell(progress: EncoderProgress): void {
    this.progress = progress;
    const doing = `${progress.stage} ${progress.epoch === null}`;
    if (doing !== this.doing) this.beating = this.beating.then(() => this.beat());
    this.doing = doing;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
  }

  private async beat(): Promise<void> {
    if (this.gone.signal.aborted) return;
    const { progress } = this;
    this.progress = null;
    try {
      await this.catalog.encoderRuns.beat(this.run, progress);
    } catch (error) {
      if (error instanceof ClaimLost) this.gone.abort(error);
      // The database may be back the next time.
      else this.reportUnexpected(error);
    }
  }
}
