import type { Catalog } from '../../catalog/catalog.js';
import type { ClaimedRun } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderConfig, EncoderReport } from '../../domain/encoder-record.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import type { RowFileRef } from '../../domain/matrix.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import { resolveTrainOptions } from '../../encoder/training/presets.js';
import { trainEncoder } from '../../encoder/training/train-encoder.js';
import type { WarmStart } from '../../encoder/training/warm-start.js';
import type { FurtherTexts, SourceSet, TrainedEncoder } from '../../encoder/types.js';
import { evaluateHeldOut } from '../../evaluation/evaluate-held-out.js';
import type { PairClass } from '../../evaluation/pair-table.js';
import { sharedSpace } from '../../features/shared-space.js';
import type { OpenTextExtractor } from '../../features/types.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import { embedCatalogue } from '../serving/embed-catalogue.js';
import { type Extractors, type OpenPair, openPair } from '../serving/extractors-in-use.js';
import { type BackfillProgress, type FeatureBackfill, unreadableNotes } from '../serving/feature-backfill.js';
import type { IndexUpkeep } from '../serving/index-upkeep.js';
import { toSourceSet } from '../serving/to-source-set.js';
import { adopt } from './adoption.js';
import type { Checkpoints } from './checkpoints.js';
import { readWarmStart } from './continued-request.js';
import { extractFurtherTexts } from './further-texts.js';
import type { FusionCalibration } from './fusion-calibration.js';
import type { PairFile } from './pair-file.js';
import { requirePairs } from './require-pairs.js';
import { describeTraining, type StoredTraining, storeTable, storeTraining } from './source-files.js';
import type { StoredSplit } from './split-pairs.js';
import { storedEvaluation } from './stored-evaluation.js';
import { freezesImages, optionsOf, readRequest, type TrainRequest } from './train-request.js';
import { extractorsOf, type SplitPlace, splitForTraining, storedSplitOfEncoder } from './training-pairs.js';
import type { TrainingHooks } from './training-progress.js';

export interface RunParts {
  readonly catalog: Catalog;
  readonly extractors: Extractors;
  readonly backfill: FeatureBackfill;
  readonly classes: ClassPrototypes;
  readonly checkpoints: Checkpoints;
  readonly indexes: IndexUpkeep;
  readonly calibration: FusionCalibration;
}

/** Trained weights, and the configuration that the row of the encoder has. */
interface Trained {
  readonly weights: Uint8Array;
  readonly config: EncoderConfig;
}

/** A split, its training pairs with their features in files, and the training set that they make. */
interface StoredSource {
  readonly split: StoredSplit;
  readonly trained: StoredTraining;
  readonly sourceSet: SourceSet<RowFileRef> & { readonly classes: readonly PairClass[] };
}

interface Measured {
  readonly config: EncoderConfig;
  readonly report: EncoderReport;
}

/**
 * One training run, from the catalogue's pairs to a ready encoder. It resumes from what an earlier attempt stored: the latest
 * checkpoint, the weights, the measurement, the embeddings.
 */
export class TrainingRun {
  private readonly id: string;
  private readonly request: TrainRequest;
  private source: StoredSource | null = null;

  constructor(
    private readonly parts: RunParts,
    private readonly run: ClaimedRun,
    private readonly hooks: Required<TrainingHooks>,
  ) {
    this.id = run.row.id;
    this.request = readRequest(run.row);
  }

  /**
   * @returns whether the encoder is to be activated: it was requested, or none is active
   * @throws ClaimLost, or CommonspaceError NO_PAIRS, BAD_INPUT, BAD_ROWS, DISK_FULL, EXTRACTOR_MISSING, EXTRACTOR_FAILED, CANCELLED.
   */
  async work(): Promise<boolean> {
    const started = performance.now();
    const { encoderRuns, encoders } = this.parts.catalog;
    const open = await this.openExtractors();
    const unreadable = await this.extractMissing();
    const { weights, config, report } = await this.trainAndMeasure(open);
    const seconds = (report.seconds ?? 0) + (performance.now() - started) / 1000;
    // A resumed run may have the same notes already.
    const notes = [...new Set([...(report.notes ?? []), ...unreadable])];
    await encoderRuns.beginEmbedding(this.run, config, { ...report, notes, seconds });
    // From now on new items get its features; items stored since the first extraction may lack them.
    await this.extractMissing();
    await this.embed(weights);
    await this.calibrate(weights);
    const activates = (this.request.activate ?? true) || (await encoders.active()) === null;
    await encoderRuns.finish(this.run, { activates });
    return activates;
  }

  private openExtractors(): Promise<OpenPair> {
    return openPair(this.parts.extractors, this.run.row);
  }

  /** @returns notes on items that cannot be read. */
  private async extractMissing(): Promise<string[]> {
    const { onProgress, signal } = this.hooks;
    const onDone = (progress: BackfillProgress) => onProgress({ stage: 'features', ...progress });
    return unreadableNotes(await this.parts.backfill.fill(this.run.row, { onProgress: onDone, signal }));
  }

  private async trainAndMeasure(open: OpenPair): Promise<Trained & Measured> {
    try {
      const trained = await this.train(open);
      return { ...trained, ...(await this.measure(trained)) };
    } finally {
      await this.parts.checkpoints.removeRows(this.id);
    }
  }

  /** Stores the weights before it returns; those of an earlier attempt are returned as they are. */
  private async train(open: OpenPair): Promise<Trained> {
    const { catalog } = this.parts;
    const { row } = this.run;
    const stored = await catalog.encoders.findWeights(this.id);
    if (stored !== null) return { weights: stored, config: row.config };
    if (this.request.adopt === true) {
      this.hooks.onProgress({ stage: 'train', progress: { kind: 'prepare', message: 'adopting the model' } });
      return await adopt(catalog, this.run, this.request, open, this.hooks.signal);
    }
    const split = await splitForTraining(
      catalog,
      extractorsOf(row),
      this.request,
      row.startedAt,
      this.place(),
    );
    await requirePairs(catalog, split.source.lines, split.all);
    const { trained: pairs, sourceSet } = await this.storeSource(split);
    const furtherTexts = await this.furtherTexts(pairs.file, open.text);
    const { from = null } = this.request;
    const space = sharedSpace(open.image, open.text);
    const warmStart = from === null ? null : await readWarmStart(catalog, from, sourceSet.classes);
    const trained = await this.trainFromCheckpoint(
      { ...sourceSet, furtherTexts, sharedSpace: space !== null },
      warmStart,
    );
    const config: EncoderConfig = {
      ...trained.options,
      classEmbedding: trained.classEmbeddingKind,
      unseen: this.request.unseen,
      holdout: this.request.holdout,
      learnFrom: this.request.learnFrom,
      from,
      // The seed and these two determine which pairs were held out.
      heldOutBelow: split.bound,
      sourceReadAt: (row.startedAt ?? new Date()).toISOString(),
      ...(space !== null && { space, alignedShare: trained.alignedShare ?? 1 }),
      epochsRun: trained.epochs,
      bestEpoch: trained.bestEpoch,
      seenClassIds: sourceSet.classes.map(({ id }) => id),
      notes: trained.notes,
    };
    await catalog.encoderRuns.keepWeights(this.run, { dimension: trained.dimension, config }, trained.bytes);
    return { weights: trained.bytes, config };
  }

  /** The training set in files. The measurement uses those of the training, if this attempt trained. */
  private async storeSource(split: StoredSplit): Promise<StoredSource> {
    const { catalog, classes } = this.parts;
    const trained = await storeTraining(catalog, split, extractorsOf(this.run.row), this.place());
    this.source = { split, trained, sourceSet: await toSourceSet(trained, classes, this.run.row) };
    return this.source;
  }

  private place(): SplitPlace {
    return { folder: this.parts.checkpoints.rowsFolder(this.id), signal: this.hooks.signal };
  }

  /** Drawn and extracted again by a resumed run: they are not stored. */
  private furtherTexts(pairs: PairFile, text: OpenTextExtractor): Promise<FurtherTexts<RowFileRef> | null> {
    const { onProgress, signal } = this.hooks;
    const { catalog } = this.parts;
    const { folder } = this.place();
    const options = resolveTrainOptions(optionsOf(this.request));
    return extractFurtherTexts({ catalog, text, folder }, pairs, options, {
      onProgress: (progress) =>
        onProgress({ stage: 'features', of: 'further texts', ...progress, failed: 0 }),
      signal,
    });
  }

  /** Starts again without the checkpoint if that is damaged, or if the training pairs have changed since. */
  private async trainFromCheckpoint(
    sourceSet: SourceSet<RowFileRef, RowFileRef>,
    warmStart: WarmStart | null,
  ): Promise<TrainedEncoder> {
    const { checkpoints } = this.parts;
    const { onProgress, signal } = this.hooks;
    const trainFrom = (resumeFrom: Uint8Array | null) =>
      trainEncoder(sourceSet, optionsOf(this.request), {
        onProgress: (progress) => onProgress({ stage: 'train', progress }),
        onCheckpoint: (bytes) => checkpoints.write(this.id, bytes),
        signal,
        ...(resumeFrom !== null && { resumeFrom }),
        ...(warmStart !== null && { warmStart }),
      });
    try {
      return await trainFrom(await checkpoints.read(this.id));
    } catch (error) {
      const unusable =
        error instanceof CommonspaceError && (error.code === 'BAD_MODEL' || error.code === 'BAD_INPUT');
      if (!unusable) throw error;
      await checkpoints.remove(this.id);
      return await trainFrom(null);
    }
  }

  /** Measures the encoder on its held-out pairs, beside CCA and chance, and calibrates its similarity thresholds on them. */
  private async measure({ weights, config }: Trained): Promise<Measured> {
    const { catalog, classes } = this.parts;
    const { row } = this.run;
    // An earlier attempt stored both together.
    if (storedEvaluation(row) !== null) return row;
    this.hooks.onProgress({ stage: 'evaluate' });
    const {
      split,
      trained,
      sourceSet: { classes: _names, ...source },
    } = this.source ?? (await this.splitAgain(config));
    const store = (part: 'seen' | 'unseen') =>
      storeTable(catalog, split[part], extractorsOf(row), this.place(), part);
    const [seen, unseen] = [await store('seen'), await store('unseen')];
    const { record, measured } = await evaluateHeldOut(
      {
        encoder: this.id,
        preset: config.preset ?? this.request.preset,
        encoders: [{ method: 'masln', bytes: weights }],
        split,
        held: { seen, unseen },
        trained: await describeTraining(trained, [seen, unseen]),
        source,
        classes: await classes.classTable(row),
        extent: 'figures',
        seed: this.request.seed,
      },
      { signal: this.hooks.signal },
    );
    const { notes = [], ...rest } = config;
    return {
      // The key is the one that all versions read.
      config: { ...rest, cutOffs: measured.thresholds },
      report: { ...record.source, evaluation: record, notes },
    };
  }

  private async splitAgain(config: EncoderConfig): Promise<StoredSource> {
    const { row } = this.run;
    const { catalog } = this.parts;
    return await this.storeSource(
      await storedSplitOfEncoder(catalog, { ...row, config }, row.startedAt, this.place()),
    );
  }

  /** Fits how searches fuse evidence; see FusionCalibration. */
  private async calibrate(weights: Uint8Array): Promise<void> {
    const { catalog, calibration } = this.parts;
    const row = await catalog.encoders.byId(this.id);
    if (row === null || row.dimension === null || row.config.fusion !== undefined) return;
    this.hooks.onProgress({ stage: 'evaluate' });
    const loaded = { row: { ...row, dimension: row.dimension }, encoder: loadEncoder(weights) };
    await calibration.calibrate(loaded, { signal: this.hooks.signal });
  }

  private async embed(weights: Uint8Array): Promise<void> {
    const { catalog } = this.parts;
    const { onProgress, signal } = this.hooks;
    const encoder = loadEncoder(weights);
    const onDone = (done: number, all: number) => onProgress({ stage: 'embed', done, all });
    const { from = null } = this.request;
    // The image side is that of the version, so are the embeddings of images.
    if (from !== null && freezesImages(this.request)) {
      await catalog.vectorWrites.copyEmbeddings(from, this.id, 'IMAGE', signal);
    }
    await embedCatalogue(catalog, this.run.row, encoder, onDone, { signal });
    throwIfCancelled(signal);
    await this.parts.indexes.ensure(signal);
    await catalog.maintain();
  }
}
