import { type ClaimedRun, ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import type { EncoderService } from './encoder-service.js';
import { Heartbeat } from './heartbeat.js';
import { storedProgress, type TrainingProgress } from './training-progress.js';
import { type RunParts, TrainingRun } from './training-run.js';

/** How often a server that has nothing to train asks whether there is something now. */
const POLL_MS = 3_000;
/** How often it looks for runs whose process is no more. */
const RECOVER_EVERY_MS = 15_000;

const INTERRUPTED = {
  code: 'INTERRUPTED',
  message: 'The process that trained it ended before it was done. It can be resumed.',
} as const;

export interface WorkHooks {
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Gives the run up. */
  readonly signal?: AbortSignal;
}

export interface Outcome {
  /** Why a finished encoder was not activated although it was to be; null where it was, or was not to be. */
  readonly refusal: string | null;
}

/** Works on runs: on those in the queue, one after another, or on one that somebody waits for. */
export class TrainingRunner {
  private readonly running = new Map<string, AbortController>();
  private readonly stopping = new AbortController();
  private loop: Promise<void> | null = null;
  private rouse: () => void = () => {};

  constructor(
    private readonly parts: RunParts,
    private readonly encoders: EncoderService,
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /** Works on the queue from now on. */
  start(): void {
    this.loop ??= this.workOnQueue();
  }

  /** Puts the run at hand back into the queue, and works no more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.rouse();
    await this.loop;
  }

  /** Something may be in the queue. */
  wake(): void {
    this.rouse();
  }

  /** Stops working on a run that was cancelled. */
  abort(id: string): void {
    this.running.get(id)?.abort();
  }

  /** Marks the runs of processes that are no more as failed; they can be resumed. @returns their ids. */
  recover(): Promise<string[]> {
    return this.parts.catalog.encoderRuns.failInterrupted(INTERRUPTED);
  }

  /** Works on a run while somebody waits for it. One that ends with nothing to go on from is forgotten. */
  async workHere(run: ClaimedRun, hooks: WorkHooks): Promise<Outcome> {
    try {
      return await this.work(run, hooks);
    } catch (error) {
      const { id } = run.row;
      if (!(await this.canGoOn(id))) await this.parts.catalog.encoders.remove(id);
      throw error;
    }
  }

  private async workOnQueue(): Promise<void> {
    let recovered = Number.NEGATIVE_INFINITY;
    while (!this.stopping.signal.aborted) {
      try {
        if (performance.now() - recovered > RECOVER_EVERY_MS) {
          await this.recover();
          recovered = performance.now();
        }
        const run = await this.parts.catalog.encoderRuns.claim();
        // What went wrong stands in the row, and the unexpected was reported.
        if (run !== null) await this.work(run, {}).catch(() => {});
        else await this.pause();
      } catch (error) {
        this.reportUnexpected(error);
        await this.pause();
      }
    }
  }

  private async pause(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, POLL_MS);
      this.rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async work(run: ClaimedRun, { onProgress, signal }: WorkHooks): Promise<Outcome> {
    const cancelled = new AbortController();
    const heartbeat = new Heartbeat(this.parts.catalog, run, this.reportUnexpected);
    this.running.set(run.row.id, cancelled);
    const ends = [cancelled.signal, heartbeat.lost, this.stopping.signal, ...(signal ? [signal] : [])];
    const all = AbortSignal.any(ends);
    try {
      await new TrainingRun(this.parts, run, {
        onProgress: (event) => {
          heartbeat.tell(storedProgress(event));
          onProgress?.(event);
        },
        signal: all,
      }).work();
    } catch (error) {
      await heartbeat.stop();
      throw await this.settle(run, error);
    } finally {
      await heartbeat.stop();
      // Cancelled and taken up again, it may be somebody else's by now.
      if (this.running.get(run.row.id) === cancelled) this.running.delete(run.row.id);
    }
    // A finished run is in nobody's hands: that is no reason to stop any more.
    return await this.activate(run, AbortSignal.any([this.stopping.signal, ...(signal ? [signal] : [])]));
  }

  /** Writes down how the run ended, unless it is in other hands. @returns what to throw. */
  private async settle(run: ClaimedRun, error: unknown): Promise<unknown> {
    const { encoderRuns } = this.parts.catalog;
    try {
      if (this.stopping.signal.aborted) {
        await encoderRuns.release(run);
        return cancelled(error);
      }
      if (error instanceof CommonspaceError && error.code === 'CANCELLED') {
        await encoderRuns.giveUp(run);
        return error;
      }
      if (error instanceof CommonspaceError) {
        await encoderRuns.fail(run, { code: error.code, message: error.message });
        return error;
      }
      await encoderRuns.fail(run, {
        code: 'INTERNAL',
        message: 'Something unexpected went wrong; the log has all of it.',
      });
    } catch (other) {
      if (other instanceof ClaimLost) return cancelled(error);
      this.reportUnexpected(other);
    }
    this.reportUnexpected(error);
    return error;
  }

  private async activate(run: ClaimedRun, signal: AbortSignal): Promise<Outcome> {
    const { id, request } = run.row;
    const { activate = true, force = false } = request ?? {};
    if (!activate && (await this.parts.catalog.encoders.active()) !== null) return { refusal: null };
    try {
      await this.encoders.activate(id, { force, signal });
      return { refusal: null };
    } catch (error) {
      if (error instanceof CommonspaceError && error.code !== 'CANCELLED') return { refusal: error.message };
      if (!(error instanceof CommonspaceError)) this.reportUnexpected(error);
      throw error;
    }
  }

  /** Whether resuming the run would save anything. */
  private async canGoOn(id: string): Promise<boolean> {
    if ((await this.parts.catalog.encoders.findWeights(id)) !== null) return true;
    return await this.parts.checkpoints.has(id);
  }
}

function cancelled(cause: unknown): CommonspaceError {
  return new CommonspaceError('CANCELLED', 'The training was cancelled.', [], { cause });
}
