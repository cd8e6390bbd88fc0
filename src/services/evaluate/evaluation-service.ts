import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { SourceSet, TrainedEncoder, TrainProgress } from '../../encoder/types.js';
import { evaluateHeldOut, toMeasure } from '../../evaluation/evaluate-held-out.js';
import type { MeasureStage } from '../../evaluation/measure.js';
import type { Split } from '../../evaluation/pair-split.js';
import type { MediaStore } from '../../media/media-store.js';
import { newRunId, openRunFolder } from '../../reports/run-folder.js';
import { extractorsOf, splitOfEncoder } from '../encoders/training-pairs.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import { withFeatures } from '../serving/read-pair-table.js';
import { toSourceSet } from '../serving/to-source-set.js';
import { cataloguePreviews } from './catalogue-previews.js';
import { type CatalogueRun, cataloguePredictions, catalogueRunRecord } from './catalogue-run.js';
import { trainFor } from './train-for.js';

export type EvaluationProgress =
  | { readonly stage: 'read' }
  /** The training of the `paper` preset for comparison. */
  | { readonly stage: 'train'; readonly preset: 'paper'; readonly progress: TrainProgress }
  | { readonly stage: MeasureStage };

export interface EvaluationHooks {
  readonly onProgress?: (progress: EvaluationProgress) => void;
  readonly signal?: AbortSignal;
}

export interface EvaluationOptions {
  /** Whether to train the paper's losses for comparison, which takes as long as a training; true by default. */
  readonly paper?: boolean;
  /** The folder of runs, by default that in the data folder; null: no run is written. */
  readonly runs?: string | null;
}

/** Measures encoders on their held-out pairs of the catalogue, by CONTENT alone. */
export class EvaluationService {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly classes: ClassPrototypes,
    private readonly runsFolder: string,
  ) {}

  /**
   * Evaluates a trained encoder. A pair stored since the training counts as held out if its bucket is below the bound. Trainings
   * and measures run in worker threads.
   *
   * @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE (not trained), NO_PAIRS (no held-out pairs), CANCELLED
   */
  async evaluateEncoder(
    id: string,
    options: EvaluationOptions = {},
    hooks: EvaluationHooks = {},
  ): Promise<EvaluationRecord> {
    const row = await this.catalog.encoders.byId(id);
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    if (row.dimension === null)
      throw new CommonspaceError(
        'ENCODER_STATE',
        `The encoder is ${row.state}: it has no weights to evaluate.`,
        ['id'],
      );
    return await this.evaluate(row, options, hooks);
  }

  private async evaluate(
    row: EncoderRow,
    { paper = true, runs = this.runsFolder }: EvaluationOptions,
    { onProgress, signal }: EvaluationHooks,
  ): Promise<EvaluationRecord> {
    const started = performance.now();
    const evaluatedAt = new Date().toISOString();
    onProgress?.({ stage: 'read' });
    const split = await splitOfEncoder(this.catalog, row);
    requireHeldOut(split);
    const extractors = extractorsOf(row);
    const trained = await withFeatures(this.catalog, split.source, extractors);
    const chosen = toMeasure(split);
    const held = {
      seen: await withFeatures(this.catalog, chosen.seen, extractors),
      unseen: await withFeatures(this.catalog, chosen.unseen, extractors),
    };
    const { classes: _names, ...source } = await toSourceSet(trained, this.classes, row);
    const bytes = await this.catalog.encoders.weights(row.id);
    const seed = Number(row.config.seed ?? 0);
    const paperEncoder =
      paper && !isPaper(row) ? await this.trainPaper(source, seed, { onProgress, signal }) : null;
    const paperBytes = paper ? (paperEncoder?.bytes ?? bytes) : null;
    const { record: figures, measured } = await evaluateHeldOut(
      {
        encoder: row.id,
        preset: String(row.config.preset ?? ''),
        encoders: [
          { method: 'masln', bytes },
          ...(paperBytes === null ? [] : [{ method: 'paper' as const, bytes: paperBytes }]),
        ],
        split,
        held,
        trained,
        source,
        classes: await this.classes.classTable(row),
        extent: 'full',
        seed,
      },
      { onStage: (stage) => onProgress?.({ stage }), ...(signal && { signal }) },
    );
    const record = { ...figures, evaluatedAt, seconds: (performance.now() - started) / 1000 };
    if (runs === null) return record;
    const id = newRunId(evaluatedAt, ['catalogue', record.preset, row.id.slice(-8)]);
    const path = await this.keep(runs, {
      id,
      row,
      bytes,
      record,
      measured,
      tables: [trained, held.seen, held.unseen],
      paper: paperEncoder,
    });
    return { ...record, run: path };
  }

  private async trainPaper(
    source: SourceSet,
    seed: number,
    { onProgress, signal }: { [K in keyof EvaluationHooks]: EvaluationHooks[K] | undefined },
  ): Promise<TrainedEncoder> {
    return await trainFor(
      'non-extendable',
      source,
      { preset: 'paper', seed },
      {
        onProgress: (progress) => onProgress?.({ stage: 'train', preset: 'paper', progress }),
        ...(signal && { signal }),
      },
    );
  }

  private async keep(runs: string, run: CatalogueRun): Promise<string> {
    const folder = await openRunFolder(runs, run.id);
    try {
      await writeFile(join(folder.checkpoints, `${run.row.id}.encoder`), run.bytes);
      const previews = cataloguePreviews(this.catalog.items, this.media);
      return await folder.finish(await catalogueRunRecord(run, previews), cataloguePredictions(run));
    } finally {
      await folder.discard();
    }
  }
}

function requireHeldOut({ source, seen, unseen, repeated }: Split): void {
  if (seen.pairs.length >= 2 || unseen.pairs.length >= 2) return;
  const why =
    repeated === 0
      ? `it was trained on all ${source.pairs.length} pairs of the catalogue`
      : `the ${repeated} pairs outside its training set have an image or a text whose content is in the training set`;
  throw new CommonspaceError(
    'NO_PAIRS',
    `There are no pairs to measure the encoder on: ${why}. Train with --holdout or --unseen.`,
  );
}

/** Whether the encoder was trained with the unchanged `paper` preset. */
function isPaper({ config, request }: EncoderRow): boolean {
  const { epochs = null, options = {} } = request ?? {};
  return config.preset === 'paper' && epochs === null && Object.keys(options).length === 0;
}
