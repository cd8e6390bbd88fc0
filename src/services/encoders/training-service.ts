import { v7 as uuidv7 } from 'uuid';
import type { ClaimedRun, NewRun } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderRow, TrainedEncoderRow } from '../../catalog/types.js';
import { movesFrom } from '../../domain/encoder-status.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { OpenImageExtractor } from '../../features/types.js';
import type { FilterCheck } from '../search/filter-check.js';
import { noEncoder } from '../serving/active-encoder.js';
import { wrongState } from './activation.js';
import type { EncoderService } from './encoder-service.js';
import { requirePairs } from './require-pairs.js';
import { storedEvaluation } from './stored-evaluation.js';
import { checkRequest, type TrainRequest, writeRequest } from './train-request.js';
import type { TrainingProgress } from './training-progress.js';
import type { RunParts } from './training-run.js';
import type { TrainingRunner } from './training-runner.js';

export type { TrainRequest } from './train-request.js';
export type { TrainingProgress } from './training-progress.js';

const IMAGE_FIELD = ['imageExtractor'];

export interface TrainingReport {
  readonly encoder: string;
  /** Pairs learnt from, and the classes among them. */
  readonly pairs: number;
  readonly classes: number;
  readonly evaluation: EvaluationRecord;
  readonly notes: readonly string[];
  readonly seconds: number;
  /** Whether it is the active encoder now; if it was to be and is not, `refusal` says why. */
  readonly activated: boolean;
  readonly refusal: string | null;
}

export interface TrainingCallbacks {
  /** Hears the encoder's id once the run has begun. */
  readonly onStart?: (encoderId: string) => void;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

/** Trains encoders on the catalogue's pairs: here and now for whoever waits, or in the background, one after another. */
export class TrainingService {
  constructor(
    private readonly parts: RunParts,
    private readonly runner: TrainingRunner,
    private readonly encoders: EncoderService,
    private readonly filters: FilterCheck,
  ) {}

  /**
   * Trains, embeds everything, measures, and makes it the active encoder where the request and the gate let it.
   *
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, BAD_INPUT or CANCELLED. Where there is something to go on from, the run
   *   stays as failed or cancelled; else the catalogue stays as it was, but for features that were missing.
   */
  async train(request: TrainRequest, hooks: TrainingCallbacks = {}): Promise<TrainingReport> {
    await checkRequest(request, this.filters);
    const image = await this.parts.imageExtractors.named(request.imageExtractor ?? null, IMAGE_FIELD);
    return await this.workHere(
      await this.parts.catalog.encoderRuns.begin(this.newRun(request, image)),
      hooks,
    );
  }

  /** Takes up a run that failed or was cancelled, here and now. @throws as `train`, ENCODER_NOT_FOUND, ENCODER_STATE. */
  async resumeHere(id: string, hooks: TrainingCallbacks = {}): Promise<TrainingReport> {
    const { encoderRuns } = this.parts.catalog;
    const row = await this.encoders.require(id);
    if (row.state !== 'queued') await this.requeue(row);
    const run = await encoderRuns.claim(id);
    // A server that waited for work was quicker.
    if (run === null) throw wrongState(await this.encoders.require(id), 'resumed here');
    return await this.workHere(run, hooks);
  }

  /**
   * Puts a training into the queue, for a server to do. It may ask for what the configuration names: see namedByCaller.
   *
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, BAD_INPUT, BAD_MODEL: nothing is queued then.
   */
  async enqueue(request: TrainRequest): Promise<EncoderRow> {
    const { catalog } = this.parts;
    await checkRequest(request, this.filters);
    const pairs = await catalog.items.countPairs();
    await requirePairs(catalog, pairs, pairs);
    const image = await this.parts.imageExtractors.namedByCaller(request.imageExtractor ?? null, IMAGE_FIELD);
    const row = await catalog.encoderRuns.enqueue(this.newRun(request, image));
    this.runner.wake();
    return row;
  }

  /** Gives a run up, wherever it runs. What it embedded goes, its checkpoint stays. @throws ENCODER_NOT_FOUND, ENCODER_STATE. */
  async cancel(id: string): Promise<EncoderRow> {
    await this.encoders.require(id);
    const done = await this.parts.catalog.encoderRuns.cancel(id);
    this.runner.abort(id);
    const row = await this.encoders.require(id);
    if (!done) throw wrongState(row, 'cancelled');
    return row;
  }

  /** Puts a run that failed or was cancelled back into the queue. @throws ENCODER_NOT_FOUND, ENCODER_STATE. */
  async resume(id: string): Promise<EncoderRow> {
    await this.requeue(await this.encoders.require(id));
    this.runner.wake();
    return await this.encoders.require(id);
  }

  /** The encoder that searches use now, with what was reported of its training; null before any. */
  active(): Promise<TrainedEncoderRow | null> {
    return this.parts.catalog.encoders.active();
  }

  /** The active encoder as bytes, for `loadEncoder` elsewhere; NO_ENCODER before any training. */
  async activeWeights(): Promise<Uint8Array> {
    const row = await this.active();
    if (row === null) throw noEncoder('There are no weights to read.');
    return await this.parts.catalog.encoders.weights(row.id);
  }

  /** What was reported of the active encoder's training; null before any. */
  async activeReport(): Promise<TrainingReport | null> {
    const row = await this.active();
    return row === null ? null : reportOf(row, null);
  }

  private newRun(request: TrainRequest, image: OpenImageExtractor): NewRun {
    return {
      id: uuidv7(),
      imageExtractor: image.id,
      textExtractor: this.parts.features.text.id,
      request: writeRequest({ ...request, imageExtractor: image.name }),
    };
  }

  private async requeue(row: EncoderRow): Promise<void> {
    const ok = movesFrom(row.state).resume && (await this.parts.catalog.encoderRuns.requeue(row.id));
    if (!ok) throw wrongState(await this.encoders.require(row.id), 'resumed');
  }

  private async workHere(run: ClaimedRun, hooks: TrainingCallbacks): Promise<TrainingReport> {
    hooks.onStart?.(run.row.id);
    const outcome = await this.runner.workHere(run, hooks);
    const row = await this.encoders.require(run.row.id);
    return reportOf(row, outcome.refusal);
  }
}

/** Throws for an encoder that was not measured: every run measures before it ends. */
function reportOf(row: EncoderRow, refusal: string | null): TrainingReport {
  const { pairs, classes, notes = [], seconds = 0 } = row.report;
  const evaluation = storedEvaluation(row);
  if (pairs === undefined || classes === undefined || evaluation === null) {
    throw new Error(`encoder ${row.id} was not measured`);
  }
  const activated = row.state === 'active';
  return { encoder: row.id, pairs, classes, evaluation, notes, seconds, activated, refusal };
}
