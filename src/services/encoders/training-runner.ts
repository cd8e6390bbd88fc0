import { setTimeout } from 'node:timers/promises';
import type { ClaimedRun } from '../../catalog/repositories/encoder-runs.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import type { EncoderService } from './encoder-service.js';
import { Heartbeat } from './heartbeat.js';
import { storedProgress, type TrainingHooks } from './training-progress.js';
import { type RunParts, TrainingRun } from './training-run.js';
import { UnwrittenOutcomes } from './unwritten-outcomes.js';

/** Interval at which an idle server looks for queued runs. */
const POLL_MS = 3_000;
/** Interval at which a server looks for runs whose claim has expired, also while it works on one. */
const RECOVER_EVERY_MS = 15_000;

/** Interval at which an activation says that it goes on. */
const BEAT_MS = 10_000;

const INTERRUPTED = {
  code: 'INTERRUPTED',
  message: 'The process that trained it ended before it was done. It can be resumed.',
} as const;

export interface Outcome {
  /** Why the gate or the switch refused a finished encoder; null where it was activated, or activation was not wanted. */
  readonly refusal: string | null;
}

/** Works on training runs: on the queue, one run after another, or on one run that the caller waits for. */
export class TrainingRunner {
  private readonly running = new Map<string, AbortController>();
  private readonly stopping = new AbortController();
  private loop: Promise<unknown> | null = null;
  private readonly outcomes: UnwrittenOutcomes;
  private endPause: () => void = () => {};

  constructor(
    private readonly parts: RunParts,
    private readonly encoders: EncoderService,
    private readonly reportUnexpected: ReportUnexpected,
  ) {
    this.outcomes = new UnwrittenOutcomes(reportUnexpected);
  }

  /** Starts. @param takesRuns whether this process works on the queue; it looks for runs of ended processes in any case */
  start(takesRuns = true): void {
    this.loop ??= Promise.all([takesRuns ? this.workOnQueue() : null, this.recoverRegularly()]);
  }

  /** Stops the work on the queue; the current run goes back into the queue. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.endPause();
    await this.loop;
  }

  /** Looks at the queue now. */
  wake(): void {
    this.endPause();
  }

  /** Stops the work on a cancelled run, if this process does it. */
  abort(id: string): void {
    this.running.get(id)?.abort();
  }

  /**
   * Stores outcomes that could not be stored before. Marks runs whose claim has expired as failed; they can be resumed. Removes
   * the rows that they left. @returns their ids.
   */
  async recover(): Promise<string[]> {
    await this.outcomes.storeKept();
    const ids = await this.parts.catalog.encoderRuns.failInterrupted(INTERRUPTED);
    for (const id of ids) await this.parts.checkpoints.removeRows(id);
    return ids;
  }

  /** Works on a run that the caller waits for. A run that ends without a checkpoint or weights is removed. */
  async workHere(run: ClaimedRun, hooks: TrainingHooks): Promise<Outcome> {
    try {
      return await this.work(run, hooks);
    } catch (error) {
      const { id } = run.row;
      if (!(await this.canResume(id))) await this.parts.catalog.encoders.remove(id);
      throw error;
    }
  }

  private async workOnQueue(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        const run = await this.parts.catalog.encoderRuns.claim();
        // The row has the failure, and unexpected errors were reported.
        if (run !== null) await this.work(run, {}).catch(() => {});
        else await this.pause();
      } catch (error) {
        this.reportUnexpected(error);
        await this.pause();
      }
    }
  }

  private async recoverRegularly(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.recover().catch(this.reportUnexpected);
      await setTimeout(RECOVER_EVERY_MS, null, { signal, ref: false }).catch(() => {});
    }
  }

  private async pause(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const ended = new AbortController();
    this.endPause = () => ended.abort();
    await setTimeout(POLL_MS, null, { signal: ended.signal }).catch(() => {});
  }

  private async work(run: ClaimedRun, { onProgress, signal }: TrainingHooks): Promise<Outcome> {
    const cancellation = new AbortController();
    const heartbeat = new Heartbeat(this.parts.catalog, run, this.reportUnexpected);
    this.running.set(run.row.id, cancellation);
    const outside = [this.stopping.signal, ...(signal ? [signal] : [])];
    let activates: boolean;
    try {
      activates = await new TrainingRun(this.parts, run, {
        onProgress: (event) => {
          heartbeat.report(storedProgress(event));
          onProgress?.(event);
        },
        signal: AbortSignal.any([cancellation.signal, heartbeat.lost, ...outside]),
      }).work();
    } catch (error) {
      await heartbeat.stop();
      throw await this.settle(run, error);
    } finally {
      await heartbeat.stop();
      // A run that was cancelled and resumed may already be running again in this process.
      if (this.running.get(run.row.id) === cancellation) this.running.delete(run.row.id);
    }
    // The run has finished, so losing the claim no longer matters.
    return activates ? await this.activate(run, AbortSignal.any(outside)) : { refusal: null };
  }

  /** Stores how the run ended, unless the claim is lost. @returns the error to throw. */
  private async settle(run: ClaimedRun, error: unknown): Promise<unknown> {
    const { encoderRuns } = this.parts.catalog;
    const { write, thrown } = this.endingOf(run, error);
    const isOurs = await this.outcomes.store({
      claim: run.claim,
      write,
      giveUp: () => encoderRuns.giveUp(run),
    });
    if (!isOurs) return cancelled(error);
    if (!(thrown instanceof CommonspaceError)) this.reportUnexpected(thrown);
    return thrown;
  }

  private endingOf(
    run: ClaimedRun,
    error: unknown,
  ): { readonly write: () => Promise<void>; readonly thrown: unknown } {
    const { encoderRuns } = this.parts.catalog;
    if (this.stopping.signal.aborted) {
      return { write: () => encoderRuns.release(run), thrown: cancelled(error) };
    }
    if (error instanceof CommonspaceError && error.code === 'CANCELLED') {
      return { write: () => encoderRuns.cancelOwn(run), thrown: error };
    }
    const failure =
      error instanceof CommonspaceError
        ? { code: error.code, message: error.message }
        : { code: 'INTERNAL', message: 'An unexpected error occurred. The log has the details.' };
    return { write: () => encoderRuns.fail(run, failure), thrown: error };
  }

  private async activate(run: ClaimedRun, signal: AbortSignal): Promise<Outcome> {
    const { id, request } = run.row;
    const { encoderRuns } = this.parts.catalog;
    const beat = () => void encoderRuns.beatActivation(id).catch(this.reportUnexpected);
    const timer = setInterval(beat, BEAT_MS);
    try {
      await this.encoders.activate(id, { force: request?.force ?? false, signal });
      return { refusal: null };
    } catch (error) {
      if (error instanceof CommonspaceError && error.code !== 'CANCELLED') return { refusal: error.message };
      if (!(error instanceof CommonspaceError)) this.reportUnexpected(error);
      throw error;
    } finally {
      clearInterval(timer);
      await encoderRuns.endActivation(id).catch(this.reportUnexpected);
    }
  }

  /** Whether a resumed run would start from a checkpoint or from weights. */
  private async canResume(id: string): Promise<boolean> {
    if ((await this.parts.catalog.encoders.findWeights(id)) !== null) return true;
    return await this.parts.checkpoints.has(id);
  }
}

function cancelled(cause: unknown): CommonspaceError {
  return new CommonspaceError('CANCELLED', 'The training was cancelled.', [], { cause });
}
