import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../catalog/catalog.js';
import type { ClassRow, EncoderRow } from '../catalog/types.js';
import { CommonspaceError } from '../domain/errors.js';
import type { ItemFilter } from '../domain/filter.js';
import { createRandom, shuffle } from '../encoder/random.js';
import { loadEncoder } from '../encoder/serialise.js';
import { trainCca } from '../encoder/train-cca.js';
import { trainEncoder } from '../encoder/train-encoder.js';
import type { TrainProgress } from '../encoder/types.js';
import type { FeatureExtractors } from '../features/types.js';
import type { MediaStore } from '../media/media-store.js';
import type { ClassService } from './class-service.js';
import { embedCatalogue } from './embed-catalogue.js';
import { compareOn, type HeldOutReport } from './evaluation.js';
import { backfillFeatures } from './feature-backfill.js';
import type { FilterCheck } from './filter-check.js';
import { type PairTable, readPairTable, selectRows, toSourceSet, uniqueClasses } from './source-set.js';

export interface TrainRequest {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  /** Classes whose pairs are kept out of training, to measure how well the space serves them. */
  readonly unseen: readonly string[];
  /** Share of the other pairs kept out of training, to measure on. */
  readonly holdout: number;
  readonly epochs: number | null;
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
    private readonly classes: ClassService,
    private readonly filters: FilterCheck,
  ) {}

  /**
   * @throws CommonspaceError NO_PAIRS, UNKNOWN_CLASS, BAD_INPUT or CANCELLED; the catalogue then stays as it was, but for
   *   features that were missing.
   */
  async train(request: TrainRequest, { onProgress, signal }: TrainHooks = {}): Promise<TrainingReport> {
    const started = performance.now();
    await this.check(request);
    const { catalog, features, media } = this;
    await backfillFeatures(
      { catalog, features, media },
      (done) => onProgress?.({ stage: 'features', done }),
      signal,
    );

    const { source, heldOut, unseen } = await this.split(request);
    const sourceSet = await toSourceSet(source, this.classes);
    const options = {
      preset: request.preset,
      seed: request.seed,
      ...(request.epochs !== null && { epochs: request.epochs }),
    };
    const trained = await trainEncoder(sourceSet, options, {
      onProgress: (progress) => onProgress?.({ stage: 'train', progress }),
      ...(signal !== undefined && { signal }),
    });

    onProgress?.({ stage: 'evaluate' });
    const encoder = loadEncoder(trained.bytes);
    const cca = await trainCca(sourceSet, { seed: request.seed, dimension: trained.dimension });
    const holdout = compareOn({ seen: heldOut, unseen }, encoder, cca.encoder);

    const id = uuidv7();
    const seconds = () => (performance.now() - started) / 1000;
    const report = {
      pairs: sourceSet.image.rows,
      classes: sourceSet.classes.length,
      holdout,
      notes: trained.notes,
    };
    await this.store(id, request, trained, sourceSet.classes, { ...report, seconds: seconds() });
    await embedCatalogue(
      catalog,
      id,
      encoder,
      features,
      (done, all) => onProgress?.({ stage: 'embed', done, all }),
      signal,
    );
    signal?.throwIfAborted();
    await catalog.encoders.activate(id);
    await catalog.vectors.ensureIndexes();
    return { encoder: id, ...report, seconds: seconds() };
  }

  /** The encoder that searches use now, with what was reported of its training; null before any. */
  active(): Promise<EncoderRow | null> {
    return this.catalog.encoders.active();
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
    await this.filters.classesExist(request.unseen, ['unseen']);
    await this.filters.check(request.learnFrom, 'learnFrom');
  }

  /** Three parts without overlap: what is learnt from, held-out pairs of seen classes, all pairs of unseen classes. */
  private async split(
    request: TrainRequest,
  ): Promise<{ source: PairTable; heldOut: PairTable; unseen: PairTable }> {
    const extractors = { image: this.features.image.id, text: this.features.text.id };
    const all = await this.catalog.vectors.trainingPairs(extractors.image, extractors.text);
    const learnable =
      request.learnFrom === null ? null : new Set(await this.catalog.items.idsOf(request.learnFrom));
    const table = await readPairTable(this.catalog, all, extractors);
    const unseenNames = new Set(request.unseen);
    const isUnseen = table.classOf.map((row) => row !== null && unseenNames.has(row.name));
    const isLearnable = table.pairs.map((pair) => learnable === null || learnable.has(pair.imageId));
    const kept = heldOutPairs(table, (row) => !isUnseen[row] && isLearnable[row] === true, request);
    const isSource = table.pairs.map(
      (pair, row) => !isUnseen[row] && isLearnable[row] && !kept.has(pair.pairId),
    );
    const source = selectRows(table, (row) => isSource[row] === true);
    if (source.pairs.length < MIN_PAIRS) {
      throw new CommonspaceError(
        'NO_PAIRS',
        `Training needs at least ${MIN_PAIRS} pairs of an image and a text; there are ${source.pairs.length} to learn from ` +
          `(${all.length} in the catalogue). Ingest images and texts that share a pair key.`,
      );
    }
    const seen = new Set(uniqueClasses(source).map((row) => row.id));
    const hasClasses = seen.size > 0;
    const isSeen = (row: ClassRow | null) => !hasClasses || row === null || seen.has(row.id);
    // With learnFrom, what is held out are the other images; a pair of theirs is tested even if its text was learnt.
    const heldOut = selectRows(
      table,
      (row) => !isSource[row] && !isUnseen[row] && isSeen(table.classOf[row] ?? null),
    );
    const unseen = selectRows(
      table,
      (row) =>
        !isSource[row] &&
        (isUnseen[row] || !isSeen(table.classOf[row] ?? null)) &&
        // Drawings that are not to be learnt from are tested as the seen classes' are: by themselves.
        (learnable === null || !isLearnable[row]),
    );
    return { source, heldOut, unseen };
  }

  private async store(
    id: string,
    request: TrainRequest,
    trained: Awaited<ReturnType<typeof trainEncoder>>,
    classes: readonly ClassRow[],
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
          unseen: request.unseen,
          holdout: request.holdout,
          epochsRun: trained.epochs,
          bestEpoch: trained.bestEpoch,
          seenClassIds: classes.map((row) => row.id),
        },
        report: { ...report },
      },
      trained.bytes,
    );
  }
}

/** Pairs kept out of training: a share of those that could be learnt from, chosen by seed, pictures of one pair together. */
function heldOutPairs(
  table: PairTable,
  candidate: (row: number) => boolean,
  request: TrainRequest,
): ReadonlySet<string> {
  const pairIds = [
    ...new Set(table.pairs.filter((_, row) => candidate(row)).map((pair) => pair.pairId)),
  ].sort();
  const count = Math.round(pairIds.length * request.holdout);
  const order = shuffle(
    Int32Array.from(pairIds, (_, i) => i),
    createRandom(request.seed),
  );
  return new Set(Array.from(order.subarray(0, count), (i) => pairIds[i] ?? ''));
}
