import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderEvaluationRow } from '../../catalog/repositories/encoder-evaluations.js';
import type { EncoderFailure } from '../../domain/encoder-status.js';
import { CommonspaceError, type ReportUnexpected, throwIfCancelled } from '../../domain/errors.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import { isUuid } from '../../domain/ids.js';
import { outsideRequest } from '../../platform/request-work.js';
import type { EncoderService } from '../encoders/encoder-service.js';
import { UnwrittenOutcomes } from '../encoders/unwritten-outcomes.js';
import { noEncoder } from '../serving/active-encoder.js';
import type { EvaluationHooks, EvaluationOptions, EvaluationService } from './evaluation-service.js';

const BEAT_MS = 2_000;
/** Interval at which a server looks for evaluations whose claim has expired. */
const RECOVER_EVERY_MS = 15_000;

const INTERRUPTED: EncoderFailure = {
  code: 'INTERRUPTED',
  message: 'The process ended before the evaluation was done. Start it again.',
};

/** An evaluation that this process has claimed. */
interface Claimed {
  readonly claim: string;
  /** Aborts when the claim is lost. */
  readonly lost: AbortSignal;
  readonly stop: () => void;
}

/** Runs evaluations in the background, one after another, and stores their records with the encoders. */
export class EvaluationJobs {
  private readonly stopping = new AbortController();
  private readonly limit = pLimit(1);
  private readonly working = new Set<Promise<void>>();
  private readonly outcomes: UnwrittenOutcomes;
  private loop: Promise<void> | null = null;

  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: EncoderService,
    private readonly evaluations: Pick<EvaluationService, 'evaluateEncoder'>,
    private readonly reportUnexpected: ReportUnexpected,
  ) {
    this.outcomes = new UnwrittenOutcomes(reportUnexpected);
  }

  /** Starts to look in the background for evaluations of processes that have ended, once. */
  startRecovery(): void {
    this.loop ??= this.recoverRegularly();
  }

  /** The latest evaluation of an encoder; null before the first. */
  async latest(encoderId: string): Promise<EncoderEvaluationRow | null> {
    if (!isUuid(encoderId)) return null;
    const row = await this.catalog.encoderEvaluations.byEncoder(encoderId);
    if (row?.state !== 'running') return row;
    await this.recover();
    return await this.catalog.encoderEvaluations.byEncoder(encoderId);
  }

  /**
   * Starts an evaluation, unless one of this encoder is running.
   *
   * @param paper whether to train the paper's losses for comparison
   * @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE.
   */
  async start(encoderId: string, paper: boolean): Promise<EncoderEvaluationRow> {
    const encoder = await this.encoders.require(encoderId);
    if (encoder.dimension === null) {
      throw new CommonspaceError(
        'ENCODER_STATE',
        `The encoder is ${encoder.state}, so it has no weights to evaluate.`,
        ['id'],
      );
    }
    await this.latest(encoderId);
    const claim = await this.catalog.encoderEvaluations.begin(encoderId);
    if (claim !== null) this.work(encoderId, claim, paper);
    const row = await this.catalog.encoderEvaluations.byEncoder(encoderId);
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    return row;
  }

  /**
   * Evaluates an encoder and waits for it. The record is stored as that of a started evaluation is, unless another evaluation of
   * the encoder is running.
   *
   * @param encoderId null for the active encoder
   * @throws CommonspaceError NO_ENCODER before any training, else as `EvaluationService.evaluateEncoder`.
   */
  async evaluateHere(
    encoderId: string | null,
    options: EvaluationOptions = {},
    hooks: EvaluationHooks = {},
  ): Promise<EvaluationRecord> {
    const id = encoderId ?? (await this.catalog.encoders.active())?.id;
    if (id === undefined) throw noEncoder('There is no encoder to evaluate.');
    if ((await this.encoders.require(id)).dimension === null)
      return await this.evaluations.evaluateEncoder(id, options, hooks);
    await this.latest(id);
    const claim = await this.catalog.encoderEvaluations.begin(id);
    return claim === null
      ? await this.evaluations.evaluateEncoder(id, options, hooks)
      : await this.evaluate(id, this.beat(claim), options, hooks);
  }

  /** Cancels the running evaluations. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.working);
    await this.loop;
  }

  private async recoverRegularly(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.recover().catch(this.reportUnexpected);
      await setTimeout(RECOVER_EVERY_MS, null, { signal, ref: false }).catch(() => {});
    }
  }

  /** Stores outcomes that could not be stored before, and marks evaluations whose claim has expired as failed. */
  private async recover(): Promise<void> {
    await this.outcomes.storeKept();
    await this.catalog.encoderEvaluations.failInterrupted(INTERRUPTED);
  }

  private work(encoderId: string, claim: string, paper: boolean): void {
    const options = { signal: this.stopping.signal };
    // Also while it waits for its turn: otherwise another server takes it for one whose process is gone.
    const claimed = this.beat(claim);
    const done = outsideRequest(() => this.limit(() => this.evaluate(encoderId, claimed, { paper }, options)))
      .then(
        () => {},
        // The failure is stored with the encoder, and an unexpected one was reported.
        () => {},
      )
      .finally(() => this.working.delete(done));
    this.working.add(done);
  }

  /** Renews a claim until `stop`. */
  private beat(claim: string): Claimed {
    const lost = new AbortController();
    const timer = setInterval(() => {
      this.catalog.encoderEvaluations.beat(claim).then((mine) => mine || lost.abort(), this.reportUnexpected);
    }, BEAT_MS);
    return { claim, lost: lost.signal, stop: () => clearInterval(timer) };
  }

  /** Evaluates under a claim, and stores the record or the failure. */
  private async evaluate(
    encoderId: string,
    { claim, lost, stop }: Claimed,
    options: EvaluationOptions,
    { onProgress, signal }: EvaluationHooks,
  ): Promise<EvaluationRecord> {
    const { encoderEvaluations } = this.catalog;
    const store = (write: () => Promise<void>) =>
      this.outcomes.store({ claim, write, giveUp: () => encoderEvaluations.giveUp(claim) });
    try {
      const hooks = {
        signal: signal === undefined ? lost : AbortSignal.any([lost, signal]),
        ...(onProgress && { onProgress }),
      };
      throwIfCancelled(hooks.signal);
      const record = await this.evaluations.evaluateEncoder(encoderId, options, hooks);
      await store(() => encoderEvaluations.finish(claim, record));
      return record;
    } catch (error) {
      const failure = this.failureOf(error);
      await store(() => encoderEvaluations.fail(claim, failure));
      throw error;
    } finally {
      stop();
    }
  }

  private failureOf(error: unknown): EncoderFailure {
    if (this.stopping.signal.aborted) return INTERRUPTED;
    if (error instanceof CommonspaceError) return { code: error.code, message: error.message };
    this.reportUnexpected(error);
    return { code: 'INTERNAL', message: 'An unexpected error occurred. The log has the details.' };
  }
}
