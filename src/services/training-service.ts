import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../catalog/catalog.js';
import type { ClassRow, TrainedEncoderRow, TrainingPair } from '../catalog/types.js';
import { CommonspaceError, throwIfCancelled } from '../domain/errors.js';
import type { ItemFilter } from '../domain/filter.js';
import { resolveTrainOptions } from '../encoder/presets.js';
import { loadEncoder } from '../encoder/serialise.js';
import { trainEncoder } from '../encoder/train-encoder.js';
import type { TrainedEncoder, TrainOptionsInput, TrainProgress } from '../encoder/types.js';
import type { FeatureExtractors } from '../features/types.js';
import type { MediaStore } from '../media/media-store.js';
import { noEncoder } from './active-encoder.js';
import type { ClassPrototypes } from './class-prototypes.js';
import type { CutOff } from './cut-offs.js';
import { embedCatalogue } from './embed-catalogue.js';
import { evaluateInThread } from './evaluate-in-thread.js';
import type { HeldOutReport } from './evaluation.js';
import { backfillFeatures } from './feature-backfill.js';
import type { FilterCheck } from './filter-check.js';
import { type Split, splitPairs } from './pair-split.js';
import { readPairTable, toSourceSet } from './source-set.js';

export interface TrainRequest {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  /** Classes whose pairs are kept out of training, to measure how well the space serves them. */
  readonly unseen: readonly string[];
  /** Share of the other pairs kept out of training, to measure on. */
  readonly holdout: number;
  readonly epochs: number | null;
  /** Options laid over the preset's; `preset`, `seed` and `epochs` above come before them. */
  readonly options?: TrainOptionsInput;
  /** Which images to learn from; the others are held out. Null: all. */
  readonly learnFrom: ItemFilter | null;
}

export type TrainingProgress =
  | { readonly stage: 'features'; readonly done: number }
  | { readonly stage: 'train'; readonly progress: TrainProgress }
  | { readonly stage: 'embed'; readonly done: number; readonly all: number }
  | { readonly stage: 'evaluate' };

export interface TrainingReport {
  readonly encoder: string;
  /** Pairs learnt from, and the classes among them. */
  readonly pairs: number;
  readonly classes: number;
  readonly holdout: HeldOutReport;
  readonly notes: readonly string[];
  readonly seconds: number;
}

export interface TrainHooks {
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

/** Fewer pairs than this teach nothing that would hold for others. */
export const MIN_PAIRS = 16;

/** Trains an encoder on the catalogue's pairs, embeds everything, measures it on what it did not see, activates it. */
export class TrainingService {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly features: FeatureExtractors,
    private readonly classes: ClassPrototypes,
    private readonly filters: FilterCheck,
  ) {}

  /**
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, BAD_INPUT or CANCELLED; the catalogue then stays as it was, but for
   *   features that were missing.
   */
  async train(request: TrainRequest, hooks: TrainHooks = {}): Promise<TrainingReport> {
    const { onProgress, signal } = hooks;
    const started = performance.now();
    await this.check(request);
    const { catalog, features, media } = this;
    await backfillFeatures(
      { catalog, features, media },
      (done) => onProgress?.({ stage: 'features', done }),
      signal,
    );

    const sourceReadAt = new Date().toISOString();
    const { source, bound, ...held } = await this.split(request);
    const sourceSet = await toSourceSet(source, this.classes);
    const trained = await trainEncoder(sourceSet, optionsOf(request), {
      onProgress: (progress) => onProgress?.({ stage: 'train', progress }),
      ...(signal !== undefined && { signal }),
    });

    onProgress?.({ stage: 'evaluate' });
    const { classes: seenClasses, ...plainSource } = sourceSet;
    const { holdout, cutOffs } = await evaluateInThread(
      {
        encoderBytes: trained.bytes,
        source: plainSource,
        sourcePairs: source.pairs,
        classes: await this.classes.classTable(),
        held,
        seed: request.seed,
      },
      signal,
    );
    const report = {
      pairs: sourceSet.image.rows,
      classes: seenClasses.length,
      holdout,
      notes: trained.notes,
    };

    const seconds = () => (performance.now() - started) / 1000;
    const id = uuidv7();
    await this.store(id, { ...request, bound, sourceReadAt }, trained, seenClasses, cutOffs, {
      ...report,
      seconds: seconds(),
    });
    try {
      await this.embedAndActivate(id, trained, hooks);
    } catch (error) {
      await catalog.encoders.remove(id);
      throw error;
    }
    return { encoder: id, ...report, seconds: seconds() };
  }

  private async embedAndActivate(id: string, trained: TrainedEncoder, hooks: TrainHooks): Promise<void> {
    const { catalog, features } = this;
    const encoder = loadEncoder(trained.bytes);
    const onProgress = (done: number, all: number) => hooks.onProgress?.({ stage: 'embed', done, all });
    await embedCatalogue(catalog, id, encoder, features, onProgress, hooks.signal);
    throwIfCancelled(hooks.signal);
    await catalog.encoders.activate(id);
    // What was ingested while the others were embedded got an embedding of the encoder before alone.
    await embedCatalogue(catalog, id, encoder, features, () => {});
    await catalog.vectors.ensureIndexes();
    await catalog.maintain();
  }

  /** The encoder that searches use now, with what was reported of its training; null before any. */
  active(): Promise<TrainedEncoderRow | null> {
    return this.catalog.encoders.active();
  }

  /** The active encoder as bytes, for `loadEncoder` elsewhere; NO_ENCODER before any training. */
  async activeWeights(): Promise<Uint8Array> {
    const row = await this.active();
    if (row === null) throw noEncoder('There are no weights to read.');
    return await this.catalog.encoders.weights(row.id);
  }

  /** What was reported of the active encoder's training; null before any. */
  async activeReport(): Promise<TrainingReport | null> {
    const row = await this.active();
    // It is stored as it was reported, and by nobody else.
    return row === null ? null : ({ encoder: row.id, ...row.report } as unknown as TrainingReport);
  }

  private async check(request: TrainRequest): Promise<void> {
    if (!(request.holdout >= 0 && request.holdout < 1)) {
      throw new CommonspaceError('BAD_INPUT', 'holdout must be at least 0 and below 1.', ['holdout']);
    }
    resolveTrainOptions(optionsOf(request));
    await this.filters.classesExist(request.unseen, ['unseen']);
    await this.filters.check(request.learnFrom, 'learnFrom');
  }

  private async split(request: TrainRequest): Promise<Split> {
    const extractors = { image: this.features.image.id, text: this.features.text.id };
    const pairsOf = (image: ItemFilter | null) =>
      this.catalog.vectors.trainingPairs(extractors.image, extractors.text, { image });
    const all = await pairsOf(null);
    const table = await readPairTable(this.catalog, all, extractors);
    const learnable =
      request.learnFrom === null ? null : new Set((await pairsOf(request.learnFrom)).map(rowKey));
    const split = splitPairs(table, {
      learnable: (row) => learnable === null || learnable.has(rowKey(table.pairs[row])),
      unseen: new Set(request.unseen),
      holdout: request.holdout,
      seed: request.seed,
    });
    if (split.source.pairs.length < MIN_PAIRS) {
      throw new CommonspaceError(
        'NO_PAIRS',
        `Training needs at least ${MIN_PAIRS} pairs of an image and a text; there are ${split.source.pairs.length} to learn ` +
          `from (${all.length} in the catalogue). Ingest images and texts that share a pair key.`,
      );
    }
    return split;
  }

  private async store(
    id: string,
    request: TrainRequest & Pick<Split, 'bound'> & { readonly sourceReadAt: string },
    trained: TrainedEncoder,
    classes: readonly ClassRow[],
    cutOffs: readonly CutOff[],
    report: object,
  ): Promise<void> {
    await this.catalog.encoders.create(
      {
        id,
        dimension: trained.dimension,
        imageExtractor: this.features.image.id,
        textExtractor: this.features.text.id,
        config: {
          ...trained.options,
          classEmbedding: trained.classEmbeddingKind,
          unseen: request.unseen,
          holdout: request.holdout,
          learnFrom: request.learnFrom,
          // With the seed: which pairs were held out.
          heldOutBelow: request.bound,
          sourceReadAt: request.sourceReadAt,
          epochsRun: trained.epochs,
          bestEpoch: trained.bestEpoch,
          seenClassIds: classes.map((row) => row.id),
          cutOffs,
        },
        report: { ...report },
      },
      trained.bytes,
    );
  }
}

const rowKey = (pair: TrainingPair | undefined): string => `${pair?.imageId} ${pair?.textId}`;

function optionsOf({ preset, seed, epochs, options }: TrainRequest): TrainOptionsInput {
  return { ...options, preset, seed, ...(epochs !== null && { epochs }) };
}
