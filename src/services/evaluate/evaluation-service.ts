import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { EvaluationRecord } from '../../domain/evaluation-record.js';
import type { RowFileRef } from '../../domain/matrix.js';
import type { SourceSet, TrainedEncoder, TrainProgress } from '../../encoder/types.js';
import { evaluateHeldOut } from '../../evaluation/evaluate-held-out.js';
import type { MeasureStage } from '../../evaluation/measure.js';
import type { MediaStore } from '../../media/media-store.js';
import { newRunId, openRunFolder } from '../../reports/run-folder.js';
import type { Checkpoints } from '../encoders/checkpoints.js';
import { describeTraining, storeTable, storeTraining } from '../encoders/source-files.js';
import type { StoredSplit } from '../encoders/split-pairs.js';
import { extractorsOf, storedSplitOfEncoder } from '../encoders/training-pairs.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
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

export interface EvaluationParts {
  readonly catalog: Catalog;
  readonly media: MediaStore;
  readonly classes: ClassPrototypes;
  /** Where features are while an encoder is evaluated. */
  readonly checkpoints: Checkpoints;
}

/** Measures encoders on their held-out pairs of the catalogue, by CONTENT alone. */
export class EvaluationService {
  constructor(
    private readonly parts: EvaluationParts,
    private readonly runsFolder: string,
  ) {}

  /**
   * Evaluates a trained encoder. A pair stored since the training counts as held out if its bucket is below the bound. Trainings
   * and measures run in processes of their own, which read the features from files.
   *
   * @throws CommonspaceError ENCODER_NOT_FOUND, ENCODER_STATE (not trained), NO_PAIRS (no held-out pairs), DISK_FULL, CANCELLED
   */
  async evaluateEncoder(
    id: string,
    options: EvaluationOptions = {},
    hooks: EvaluationHooks = {},
  ): Promise<EvaluationRecord> {
    const row = await this.parts.catalog.encoders.byId(id);
    if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', ['id']);
    if (row.dimension === null)
      throw new CommonspaceError(
        'ENCODER_STATE',
        `The encoder is ${row.state}: it has no weights to evaluate.`,
        ['id'],
      );
    return await this.parts.checkpoints.withFolder(id, (folder) =>
      this.evaluate(row, folder, options, hooks),
    );
  }

  private async evaluate(
    row: EncoderRow,
    folder: string,
    { paper = true, runs = this.runsFolder }: EvaluationOptions,
    { onProgress, signal }: EvaluationHooks,
  ): Promise<EvaluationRecord> {
    const started = performance.now();
    const evaluatedAt = new Date().toISOString();
    onProgress?.({ stage: 'read' });
    const { catalog, classes } = this.parts;
    const place = { folder, signal };
    const split = await storedSplitOfEncoder(catalog, row, null, place);
    requireHeldOut(split);
    const extractors = extractorsOf(row);
    const trained = await storeTraining(catalog, split, extractors, place);
    const held = {
      seen: await storeTable(catalog, split.seen, extractors, place, 'seen'),
      unseen: await storeTable(catalog, split.unseen, extractors, place, 'unseen'),
    };
    const { classes: _names, ...source } = await toSourceSet(trained, classes, row);
    const bytes = await catalog.encoders.weights(row.id);
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
        trained: await describeTraining(trained, [held.seen, held.unseen]),
        source,
        classes: await classes.classTable(row),
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
      trained,
      held,
      paper: paperEncoder,
    });
    return { ...record, run: path };
  }

  private async trainPaper(
    source: SourceSet<RowFileRef>,
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
      const previews = cataloguePreviews(this.parts.catalog.items, this.parts.media);
      return await folder.finish(await catalogueRunRecord(run, previews), cataloguePredictions(run));
    } finally {
      await folder.discard();
    }
  }
}

function requireHeldOut({ source, heldOut, repeated }: StoredSplit): void {
  if (heldOut.seen >= 2 || heldOut.unseen >= 2) return;
  const why =
    repeated === 0
      ? `it was trained on all ${source.lines} pairs of the catalogue`
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
