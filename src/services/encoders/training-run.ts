import type { Catalog } from '../../catalog/catalog.js';
import type { ClaimedRun } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { EncoderConfig, EncoderReport } from '../../domain/encoder-record.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { loadEncoder } from '../../encoder/inference/serialise.js';
import { trainEncoder } from '../../encoder/training/train-encoder.js';
import type { TrainedEncoder } from '../../encoder/types.js';
import { evaluateHeldOut } from '../../evaluation/evaluate-held-out.js';
import type { FeatureExtractors, OpenImageExtractor } from '../../features/types.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import { embedCatalogue } from '../serving/embed-catalogue.js';
import { type BackfillProgress, type FeatureBackfill, unreadableNotes } from '../serving/feature-backfill.js';
import type { ImageExtractors } from '../serving/image-extractors.js';
import { toSourceSet } from '../serving/to-source-set.js';
import type { Checkpoints } from './checkpoints.js';
import { requirePairs } from './require-pairs.js';
import { storedEvaluation } from './stored-evaluation.js';
import { optionsOf, readRequest, type TrainRequest } from './train-request.js';
import { extractorsOf, splitForTraining, splitOfEncoder } from './training-pairs.js';
import type { TrainingProgress } from './training-progress.js';

export interface RunParts {
  readonly catalog: Catalog;
  readonly features: FeatureExtractors;
  readonly imageExtractors: ImageExtractors;
  readonly backfill: FeatureBackfill;
  readonly classes: ClassPrototypes;
  readonly checkpoints: Checkpoints;
}

export interface RunHooks {
  readonly onProgress: (progress: TrainingProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Does the work of one run, from the catalogue's pairs to an encoder that is ready. What an earlier attempt has done is not
 * done again: it goes on from the latest checkpoint, or from the weights, or from what is embedded.
 */
export class TrainingRun {
  private readonly id: string;
  private readonly request: TrainRequest;

  constructor(
    private readonly parts: RunParts,
    private readonly run: ClaimedRun,
    private readonly hooks: RunHooks,
  ) {
    this.id = run.row.id;
    this.request = readRequest(run.row);
  }

  /** @throws ClaimLost, or CommonspaceError NO_PAIRS, BAD_INPUT, EXTRACTOR_MISSING, EXTRACTOR_FAILED, CANCELLED. */
  async work(): Promise<void> {
    const started = performance.now();
    const { catalog } = this.parts;
    const image = await this.openExtractor();
    const unreadable = await this.extractMissing(image);
    let row = this.run.row;
    let weights = await catalog.encoders.findWeights(this.id);
    if (weights === null) {
      weights = await this.train();
      row = (await catalog.encoders.byId(this.id)) ?? row;
    }
    const { config, report } = isMeasured(row) ? row : await this.measure(row, weights);
    const seconds = (report.seconds ?? 0) + (performance.now() - started) / 1000;
    const notes = withNotes(report.notes, unreadable);
    await catalog.encoderRuns.beginEmbedding(this.run, config, { ...report, notes, seconds });
    // From now on what is stored is extracted for it, too; what was stored since the beginning may lack its features.
    await this.extractMissing(image);
    await this.embed(row, weights);
    await catalog.encoderRuns.finish(this.run);
  }

  private async openExtractor(): Promise<OpenImageExtractor> {
    const { features, imageExtractors } = this.parts;
    const { text } = extractorsOf(this.run.row);
    if (text !== features.text.id) {
      throw new CommonspaceError(
        'EXTRACTOR_FAILED',
        `The run needs the text features of ${text}; this server extracts those of ${features.text.id}.`,
      );
    }
    return await imageExtractors.of(this.run.row);
  }

  /** @returns what to tell of items that cannot be read. */
  private async extractMissing(image: OpenImageExtractor): Promise<string[]> {
    const { onProgress, signal } = this.hooks;
    const onDone = (progress: BackfillProgress) => onProgress({ stage: 'features', ...progress });
    return unreadableNotes(await this.parts.backfill.fill(image, { onProgress: onDone, signal }));
  }

  private async train(): Promise<Uint8Array> {
    const { catalog, classes } = this.parts;
    const { row } = this.run;
    const split = await splitForTraining(catalog, extractorsOf(row), this.request, row.startedAt);
    await requirePairs(catalog, split.source.pairs.length, split.all);
    const sourceSet = await toSourceSet(split.source, classes);
    const trained = await this.trainFromCheckpoint(sourceSet);
    await catalog.encoderRuns.keepWeights(
      this.run,
      {
        dimension: trained.dimension,
        config: {
          ...trained.options,
          classEmbedding: trained.classEmbeddingKind,
          unseen: this.request.unseen,
          holdout: this.request.holdout,
          learnFrom: this.request.learnFrom,
          // With the seed: which pairs were held out.
          heldOutBelow: split.bound,
          // Only what was there then was learnt from.
          sourceReadAt: (row.startedAt ?? new Date()).toISOString(),
          epochsRun: trained.epochs,
          bestEpoch: trained.bestEpoch,
          seenClassIds: sourceSet.classes.map(({ id }) => id),
          notes: trained.notes,
        },
      },
      trained.bytes,
    );
    return trained.bytes;
  }

  /** The catalogue may have changed since the checkpoint, in what the run learns from: then it begins again. */
  private async trainFromCheckpoint(
    sourceSet: Awaited<ReturnType<typeof toSourceSet>>,
  ): Promise<TrainedEncoder> {
    const { checkpoints } = this.parts;
    const { onProgress, signal } = this.hooks;
    const trainFrom = (resumeFrom: Uint8Array | null) =>
      trainEncoder(sourceSet, optionsOf(this.request), {
        onProgress: (progress) => onProgress({ stage: 'train', progress }),
        onCheckpoint: (bytes) => checkpoints.write(this.id, bytes),
        signal,
        ...(resumeFrom !== null && { resumeFrom }),
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
  private async measure(
    row: EncoderRow,
    weights: Uint8Array,
  ): Promise<{ config: EncoderConfig; report: EncoderReport }> {
    const { catalog, classes } = this.parts;
    this.hooks.onProgress({ stage: 'evaluate' });
    const split = await splitOfEncoder(catalog, row, row.startedAt);
    const { classes: _names, ...source } = await toSourceSet(split.source, classes);
    const { notes, ...config } = row.config;
    const { record, measured } = await evaluateHeldOut(
      {
        encoder: row.id,
        preset: this.request.preset,
        encoders: [{ method: 'masln', bytes: weights }],
        split,
        source,
        classes: await classes.classTable(),
        extent: 'figures',
        seed: this.request.seed,
      },
      { signal: this.hooks.signal },
    );
    return {
      // The key is the one that all versions read.
      config: { ...config, cutOffs: measured.thresholds },
      report: { ...record.source, evaluation: record, notes: notes ?? [] },
    };
  }

  private async embed(row: EncoderRow, weights: Uint8Array): Promise<void> {
    const { catalog } = this.parts;
    const { onProgress, signal } = this.hooks;
    const encoder = loadEncoder(weights);
    const onDone = (done: number, all: number) => onProgress({ stage: 'embed', done, all });
    await embedCatalogue(catalog, row, encoder, onDone, { signal });
    throwIfCancelled(signal);
    await catalog.indexes.ensure();
    await catalog.maintain();
  }
}

/** A run that is resumed may have told of the same before. */
function withNotes(told: readonly string[] | undefined, more: readonly string[]): string[] {
  return [...new Set([...(told ?? []), ...more])];
}

function isMeasured(row: EncoderRow): boolean {
  return storedEvaluation(row) !== null;
}
