import { v7 as uuidv7 } from 'uuid';
import type { ClaimedRun, NewRun } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderRow, TrainedEncoderRow } from '../../catalog/types.js';
import { checkStorable } from '../../domain/check.js';
import { movesFrom } from '../../domain/encoder-status.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { FilterCheck } from '../search/filter-check.js';
import { noEncoder } from '../serving/active-encoder.js';
import type { OpenPair } from '../serving/extractors-in-use.js';
import { wrongState } from './activation.js';
import { type AdoptRequest, adoptionRun, requireSharedSpace } from './adoption.js';
import { checkExtractors, continuedRequest } from './continued-request.js';
import type { EncoderService } from './encoder-service.js';
import { requirePairs } from './require-pairs.js';
import { storedEvaluation } from './stored-evaluation.js';
import { checkRequest, type TrainRequest, writeRequest } from './train-request.js';
import type { TrainingHooks } from './training-progress.js';
import type { RunParts } from './training-run.js';
import type { TrainingRunner } from './training-runner.js';

const IMAGE_FIELD = ['imageExtractor'];
const TEXT_FIELD = ['textExtractor'];
const MODEL_FIELD = ['model'];

export interface TrainingReport {
  readonly encoder: string;
  /** Training pairs, and the classes among them. */
  readonly pairs: number;
  readonly classes: number;
  readonly evaluation: EvaluationRecord;
  readonly notes: readonly string[];
  readonly seconds: number;
  /** Whether it is the active encoder now; `refusal` is the reason if the request wanted it and it is not. */
  readonly activated: boolean;
  readonly refusal: string | null;
}

export interface TrainingCallbacks extends TrainingHooks {
  /** Called with the encoder's id when the run has started. */
  readonly onStart?: (encoderId: string) => void;
}

/** Trains encoders on the catalogue's pairs: at once, while the caller waits, or in the background through a queue. */
export class TrainingService {
  constructor(
    private readonly parts: RunParts,
    private readonly runner: TrainingRunner,
    private readonly encoders: EncoderService,
    private readonly filters: FilterCheck,
  ) {}

  /**
   * Trains an encoder, measures it, embeds the catalogue, and activates the encoder if the request and the gate allow it.
   *
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, ENCODER_NOT_FOUND, BAD_INPUT or CANCELLED. A run with a checkpoint or weights stays as
   *   failed or cancelled; any other is removed, and only features that were missing stay.
   */
  async train(asked: TrainRequest, hooks: TrainingCallbacks = {}): Promise<TrainingReport> {
    const request = await this.checked(asked);
    const { images, texts } = this.parts.extractors;
    const open = {
      image: await images.named(request.imageExtractor ?? null, IMAGE_FIELD),
      text: await texts.named(request.textExtractor ?? null, TEXT_FIELD),
    };
    const run = await this.newRun(request, open);
    return await this.workHere(await this.parts.catalog.encoderRuns.begin(run), hooks);
  }

  /**
   * Makes an encoder of a model whose pictures and texts share a space, without training, while the caller waits. It embeds the
   * catalogue and is activated as any other.
   *
   * @throws CommonspaceError BAD_INPUT for a model without a shared space, BAD_MODEL, PACKAGE_MISSING, MODEL_UNAVAILABLE, CANCELLED
   */
  async adopt(request: AdoptRequest, hooks: TrainingCallbacks = {}): Promise<TrainingReport> {
    checkStorable(request.model, MODEL_FIELD);
    const { images, texts } = this.parts.extractors;
    const open = {
      image: await images.named(request.model, MODEL_FIELD),
      text: await texts.named(request.model, MODEL_FIELD),
    };
    requireSharedSpace(open);
    const run = await this.parts.catalog.encoderRuns.begin(await this.newRun(adoptionRun(request), open));
    return await this.workHere(run, hooks);
  }

  /** Queues an adoption for a server. Only models that the configuration allows may be named. @throws as `adopt`. */
  async enqueueAdoption(request: AdoptRequest): Promise<EncoderRow> {
    checkStorable(request.model, MODEL_FIELD);
    const { images, texts } = this.parts.extractors;
    const open = {
      image: await images.namedByCaller(request.model, MODEL_FIELD),
      text: await texts.namedByCaller(request.model, MODEL_FIELD),
    };
    requireSharedSpace(open);
    const row = await this.parts.catalog.encoderRuns.enqueue(await this.newRun(adoptionRun(request), open));
    this.runner.wake();
    return row;
  }

  /** Resumes a failed or cancelled run while the caller waits. @throws as `train`, ENCODER_NOT_FOUND, ENCODER_STATE. */
  async resumeHere(id: string, hooks: TrainingCallbacks = {}): Promise<TrainingReport> {
    const { encoderRuns } = this.parts.catalog;
    const row = await this.encoders.require(id);
    if (row.state !== 'queued') await this.requeue(row);
    const run = await encoderRuns.claim(id);
    // A server has claimed it from the queue.
    if (run === null) throw wrongState(await this.encoders.require(id), 'resumed here');
    return await this.workHere(run, hooks);
  }

  /**
   * Queues a training for a server. Only extractors that the configuration allows may be named; see namedByCaller.
   *
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, BAD_INPUT, BAD_MODEL; then nothing is queued.
   */
  async enqueue(asked: TrainRequest): Promise<EncoderRow> {
    const { catalog } = this.parts;
    const request = await this.checked(asked);
    const pairs = await catalog.items.countPairs();
    await requirePairs(catalog, pairs, pairs);
    const { images, texts } = this.parts.extractors;
    const open = {
      image: await images.namedByCaller(request.imageExtractor ?? null, IMAGE_FIELD),
      text: await texts.namedByCaller(request.textExtractor ?? null, TEXT_FIELD),
    };
    const row = await catalog.encoderRuns.enqueue(await this.newRun(request, open));
    this.runner.wake();
    return row;
  }

  /** Cancels a run of any process. Its embeddings are dropped, its checkpoint stays. @throws ENCODER_NOT_FOUND, ENCODER_STATE. */
  async cancel(id: string): Promise<EncoderRow> {
    await this.encoders.require(id);
    const done = await this.parts.catalog.encoderRuns.cancel(id);
    this.runner.abort(id);
    const row = await this.encoders.require(id);
    if (!done) throw wrongState(row, 'cancelled');
    return row;
  }

  /** Puts a failed or cancelled run back into the queue. @throws ENCODER_NOT_FOUND, ENCODER_STATE. */
  async resume(id: string): Promise<EncoderRow> {
    await this.requeue(await this.encoders.require(id));
    this.runner.wake();
    return await this.encoders.require(id);
  }

  /** The active encoder; null before the first activation. */
  active(): Promise<TrainedEncoderRow | null> {
    return this.parts.catalog.encoders.active();
  }

  /** The bytes of the active encoder, for `loadEncoder`. @throws CommonspaceError NO_ENCODER before the first activation. */
  async activeWeights(): Promise<Uint8Array> {
    const row = await this.active();
    if (row === null) throw noEncoder('There are no weights to read.');
    return await this.parts.catalog.encoders.weights(row.id);
  }

  /** The report of the active encoder's training; null before the first activation. */
  async activeReport(): Promise<TrainingReport | null> {
    const row = await this.active();
    return row === null ? null : reportOf(row, null);
  }

  /** The request with what it takes over from the version that it continues. */
  private async checked(request: TrainRequest): Promise<TrainRequest> {
    await checkRequest(request, this.filters);
    return await continuedRequest(request, this.parts.catalog);
  }

  private async newRun(request: TrainRequest, { image, text }: OpenPair): Promise<NewRun> {
    const extractors = { imageExtractor: image.id, textExtractor: text.id };
    await checkExtractors(request, extractors, this.parts.catalog);
    return {
      id: uuidv7(),
      ...extractors,
      request: writeRequest({ ...request, imageExtractor: image.name, textExtractor: text.name }),
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
