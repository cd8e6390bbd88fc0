import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow, TrainingPair } from '../../catalog/types.js';
import type { ItemFilter } from '../../domain/filter.js';
import { type Split, splitAgain, splitTable } from '../../evaluation/pair-split.js';
import type { PairList } from '../../evaluation/pair-table.js';
import { readPairList } from '../serving/read-pair-table.js';
import { heldOutBoundOf } from './continued-request.js';
import type { TrainRequest } from './train-request.js';

/** Ids of the extractors whose features an encoder reads. */
export interface ExtractorIds {
  readonly image: string;
  readonly text: string;
}

export function extractorsOf(row: Pick<EncoderRow, 'imageExtractor' | 'textExtractor'>): ExtractorIds {
  return { image: row.imageExtractor, text: row.textExtractor };
}

/**
 * The training pairs and held-out pairs of a training, without their features, among the pairs stored before `asOf`: a resumed run gets the same
 * pairs, even if more were stored since.
 */
export async function splitForTraining(
  catalog: Catalog,
  extractors: ExtractorIds,
  request: TrainRequest,
  asOf: Date | null,
): Promise<Split & { readonly all: number }> {
  const { table, learnable } = await readPairs(catalog, extractors, request.learnFrom, asOf);
  const bound = request.from == null ? null : await heldOutBoundOf(catalog, request.from);
  const split = splitTable(table, {
    bound,
    learnable,
    unseen: new Set(request.unseen),
    holdout: request.holdout,
    seed: request.seed,
  });
  return { ...split, all: table.pairs.length };
}

/** The current pairs, split as when the encoder was trained, without their features; see splitAgain. */
export async function splitOfEncoder(
  catalog: Catalog,
  row: Pick<EncoderRow, 'config' | 'imageExtractor' | 'textExtractor'>,
  asOf: Date | null = null,
): Promise<Split> {
  const { seed = 0, unseen = [], learnFrom = null, heldOutBelow, seenClassIds = [] } = row.config;
  const { table, learnable } = await readPairs(catalog, extractorsOf(row), learnFrom, asOf);
  const options = { learnable, unseen: new Set(unseen), seed };
  // Older versions did not store what was held out.
  if (heldOutBelow === undefined) return splitAgain(table, options, 0, []);
  return splitAgain(table, options, heldOutBelow, seenClassIds);
}

async function readPairs(
  catalog: Catalog,
  extractors: ExtractorIds,
  learnFrom: ItemFilter | null,
  asOf: Date | null,
): Promise<{ readonly table: PairList; readonly learnable: (row: number) => boolean }> {
  const then = asOf === null ? null : { createdBefore: asOf };
  const pairsOf = (image: ItemFilter | null) =>
    catalog.vectors.trainingPairs(extractors.image, extractors.text, { image, text: then });
  const table = await readPairList(catalog, await pairsOf(then));
  if (learnFrom === null) return { table, learnable: () => true };
  const among = then === null ? learnFrom : { and: [learnFrom, then] };
  const learnable = new Set((await pairsOf(among)).map(pairKey));
  return { table, learnable: (row) => learnable.has(pairKey(table.pairs[row])) };
}

/** Identifies a row of a pair table: an image with five captions is in five rows. */
export const pairKey = (pair: Pick<TrainingPair, 'imageId' | 'textId'> | undefined): string =>
  `${pair?.imageId} ${pair?.textId}`;
