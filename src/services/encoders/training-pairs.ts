import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow, TrainingPair } from '../../catalog/types.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { MOST_MEASURED } from '../../evaluation/evaluate-held-out.js';
import { type Split, splitAgain } from '../../evaluation/pair-split.js';
import type { PairClass } from '../../evaluation/pair-table.js';
import { LineFileWriter } from '../../platform/line-file.js';
import { readPairList } from '../serving/read-pair-table.js';
import { heldOutBoundOf } from './continued-request.js';
import { type PairFile, pairKey, pairLine } from './pair-file.js';
import { type StoredSplit, splitPairs } from './split-pairs.js';
import type { TrainRequest } from './train-request.js';

/** Ids of the extractors whose features an encoder reads. */
export interface ExtractorIds {
  readonly image: string;
  readonly text: string;
}

export function extractorsOf(row: Pick<EncoderRow, 'imageExtractor' | 'textExtractor'>): ExtractorIds {
  return { image: row.imageExtractor, text: row.textExtractor };
}

/** Where a split is made: a folder for its files, and when to stop. */
export interface SplitPlace {
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Upper limit of the rows of each held-out part that are returned; MOST_MEASURED if absent. */
  readonly most?: number;
}

/** Pairs of the catalogue, and which of them may be in a training set. */
interface PairsOf {
  readonly extractors: ExtractorIds;
  /** Which images may be in a training set; null: all. */
  readonly learnFrom: ItemFilter | null;
  /** Pairs stored later are left out; null: none is. */
  readonly asOf: Date | null;
}

type SplitRow = Pick<EncoderRow, 'config' | 'imageExtractor' | 'textExtractor'>;

/**
 * The training pairs and held-out pairs of a training, without their features, among the pairs stored before `asOf`: a resumed run gets the same
 * pairs, even if more were stored since.
 *
 * @throws CommonspaceError DISK_FULL, CANCELLED
 */
export async function splitForTraining(
  catalog: Catalog,
  extractors: ExtractorIds,
  request: TrainRequest,
  asOf: Date | null,
  place: SplitPlace,
): Promise<StoredSplit> {
  const bound = request.from == null ? null : await heldOutBoundOf(catalog, request.from);
  const pairs = await storePairs(catalog, { extractors, learnFrom: request.learnFrom, asOf }, place);
  const { unseen, seed, holdout } = request;
  return await split(pairs, { unseen, seed, by: { kind: 'first', holdout, bound } }, place);
}

/**
 * The current pairs, split as when the encoder was trained, without their features; see splitAgain.
 *
 * @throws CommonspaceError DISK_FULL, CANCELLED
 */
export async function storedSplitOfEncoder(
  catalog: Catalog,
  row: SplitRow,
  asOf: Date | null,
  place: SplitPlace,
): Promise<StoredSplit> {
  const { learnFrom, unseen, seed, bound, seenClassIds } = splitOptionsOf(row);
  const pairs = await storePairs(catalog, { extractors: extractorsOf(row), learnFrom, asOf }, place);
  return await split(pairs, { unseen, seed, by: { kind: 'again', bound, seenClassIds } }, place);
}

/** `storedSplitOfEncoder` with all pairs in memory. */
export async function splitOfEncoder(catalog: Catalog, row: SplitRow): Promise<Split> {
  const { learnFrom, unseen, seed, bound, seenClassIds } = splitOptionsOf(row);
  const pairsOf = (image: ItemFilter | null) =>
    catalog.vectors.trainingPairs(row.imageExtractor, row.textExtractor, { image });
  const table = await readPairList(catalog, await pairsOf(null));
  const among = learnFrom === null ? null : new Set((await pairsOf(learnFrom)).map(pairKey));
  const learnable = (at: number) => among === null || among.has(pairKey(table.pairs[at]));
  return splitAgain(table, { learnable, unseen: new Set(unseen), seed }, bound, seenClassIds);
}

function splitOptionsOf({ config }: SplitRow) {
  const { seed = 0, unseen = [], learnFrom = null, heldOutBelow, seenClassIds = [] } = config;
  // Older versions did not store what was held out.
  const held =
    heldOutBelow === undefined ? { bound: 0, seenClassIds: [] } : { bound: heldOutBelow, seenClassIds };
  return { learnFrom, unseen, seed, ...held };
}

type How = Pick<Parameters<typeof splitPairs>[0], 'unseen' | 'seed' | 'by'>;

async function split(pairs: PairFile, how: How, { folder, signal, most }: SplitPlace): Promise<StoredSplit> {
  try {
    const into = join(folder, 'training.pairs');
    return await splitPairs({ ...how, pairs, into, most: most ?? MOST_MEASURED }, signal);
  } finally {
    await rm(pairs.file, { force: true });
  }
}

/** Copies the pairs from the database to a file, a chunk at a time. */
async function storePairs(
  catalog: Catalog,
  { extractors, learnFrom, asOf }: PairsOf,
  { folder, signal }: SplitPlace,
): Promise<PairFile> {
  const then = asOf === null ? null : { createdBefore: asOf };
  const chunksOf = (image: ItemFilter | null) =>
    catalog.vectors.trainingPairChunks(extractors.image, extractors.text, { image, text: then });
  const among = learnFrom === null ? null : then === null ? learnFrom : { and: [learnFrom, then] };
  const learnable = among === null ? null : new Subsequence(chunksOf(among));
  const classes = new ClassesOfPairs(catalog);
  await mkdir(folder, { recursive: true });
  const writer = await LineFileWriter.create(join(folder, 'all.pairs'));
  try {
    for await (const chunk of chunksOf(then)) {
      throwIfCancelled(signal);
      await classes.add(chunk);
      const lines: string[] = [];
      for (const pair of chunk) lines.push(pairLine(pair, learnable === null || (await learnable.has(pair))));
      await writer.append(lines);
    }
    return { ...(await writer.finish()), classes: classes.all() };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** The pairs of a longer sequence in the same order that are in a shorter one. */
class Subsequence {
  private chunk: readonly TrainingPair[] = [];
  private at = 0;
  private ended = false;

  constructor(private readonly chunks: AsyncGenerator<TrainingPair[]>) {}

  /** Ask in the order of the sequence. */
  async has(pair: TrainingPair): Promise<boolean> {
    const key = pairKey(pair);
    while (!this.ended) {
      for (; this.at < this.chunk.length; this.at += 1) {
        // Ids in lower case are in the order of their bytes.
        const next = pairKey(this.chunk[this.at]);
        if (next >= key) return next === key;
      }
      const { value, done } = await this.chunks.next();
      this.ended = done === true;
      this.chunk = value ?? [];
      this.at = 0;
    }
    return false;
  }
}

/** The first classes of pairs, each read once. */
class ClassesOfPairs {
  private readonly byId = new Map<string, PairClass | null>();

  constructor(private readonly catalog: Catalog) {}

  async add(pairs: readonly TrainingPair[]): Promise<void> {
    const ids = [...new Set(pairs.flatMap(({ classIds }) => classIds.slice(0, 1)))];
    const unknown = ids.filter((id) => !this.byId.has(id));
    if (unknown.length === 0) return;
    for (const id of unknown) this.byId.set(id, null);
    for (const { id, name, description } of await this.catalog.classes.byIds(unknown))
      this.byId.set(id, { id, name, description });
  }

  all(): PairClass[] {
    return [...this.byId.values()].filter((row) => row !== null);
  }
}
