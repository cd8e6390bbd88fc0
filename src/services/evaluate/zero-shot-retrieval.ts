import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { evaluateRetrieval } from '../../domain/metrics.js';
import { trainCca } from '../../encoder/baselines/train-cca.js';
import { createEncoder } from '../../encoder/inference/create-encoder.js';
import { gather } from '../../encoder/math/matrix.js';
import { alignedEncoder } from '../../encoder/training/aligned-branch.js';
import { fitSharedNormalisation } from '../../encoder/training/shared-normalisation.js';
import { type EmbeddedPart, embedPart, partOfTable } from '../../evaluation/measured-part.js';
import { splitTable } from '../../evaluation/pair-split.js';
import { type PairList, type PairTable, selectRows } from '../../evaluation/pair-table.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import type { CaptionedPicture } from '../ingest/bulk/captioned-pictures.js';

/** Share of the pairs that are measured; the others train the comparison. */
const MEASURED = 0.5;
/** With fewer pairs on either side of the split a figure says nothing. */
export const LEAST_PAIRS = 10;

export type CaptionedRow = CaptionedPicture & { readonly text: string };

/** Retrieval of counterparts by one method, mean of both directions. */
export interface CheckedRetrieval {
  readonly method: string;
  readonly recallAt1: number;
  readonly recallAt10: number;
  readonly mrrAt10: number;
}

/** The features of captioned rows, in their order. */
export interface RowFeatures {
  readonly image: readonly Float32Array[];
  readonly text: readonly Float32Array[];
}

/**
 * Retrieval by features of a shared space as an adopted encoder ranks, centred by the half of the pairs that is not measured,
 * beside a CCA of other features that is trained on the half of the pairs
 * that is not measured.
 *
 * @param others extracts the features of the comparison, once it is certain that they are needed
 * @returns null with too few pairs
 */
export async function compareOnPairs(
  rows: readonly CaptionedRow[],
  features: RowFeatures,
  others: () => Promise<RowFeatures>,
  seed: number,
): Promise<{ readonly pairs: number; readonly rows: readonly CheckedRetrieval[] } | null> {
  const hashes = await Promise.all(rows.map(({ path }) => hashOf(path)));
  const splitOf = (of: RowFeatures) => {
    const table = tableOf(rows, hashes, of);
    const options = { learnable: () => true, unseen: new Set<string>(), holdout: MEASURED, seed };
    const { source, seen } = splitTable(table, options);
    const featuresOf = (part: PairList) => {
      const own = new Set(part.pairs);
      return selectRows(table, (row) => own.has(table.pairs[row] as PairList['pairs'][number]));
    };
    return { source: featuresOf(source), seen: featuresOf(seen) };
  };
  if (rows.length === 0) return null;
  const { seen, source } = splitOf(features);
  const part = partOfTable(seen);
  if (part === null || seen.pairs.length < LEAST_PAIRS || source.pairs.length < LEAST_PAIRS) return null;
  await loadTensorBackend();
  const adopted = createEncoder(alignedEncoder(fitSharedNormalisation(source.image, source.text, seed)));
  const zeroShot = retrievalOf(embedPart(part, adopted));
  const theirs = splitOf(await others());
  const theirPart = partOfTable(theirs.seen);
  if (theirPart === null) return null;
  const { image, text, pairs } = theirs.source;
  const cca = await trainCca(
    {
      image,
      text,
      labels: new Int32Array(pairs.length).fill(-1),
      classNames: [],
      classEmbeddings: { data: new Float32Array(0), rows: 0, columns: text.columns },
    },
    { seed },
  );
  const byCca = retrievalOf(embedPart(theirPart, cca.encoder));
  return {
    pairs: seen.pairs.length,
    rows: [
      rowOfFigures('the model, zero-shot', [zeroShot.imageToText.metrics, zeroShot.textToImage.metrics]),
      rowOfFigures(`built-in extractors, CCA trained on ${pairs.length} pairs`, [
        byCca.imageToText.metrics,
        byCca.textToImage.metrics,
      ]),
      rowOfFigures('chance', [zeroShot.imageToText.chance, zeroShot.textToImage.chance]),
    ],
  };
}

type Report = ReturnType<typeof evaluateRetrieval>;

function retrievalOf({ image, text }: EmbeddedPart): Report {
  return evaluateRetrieval(image, text);
}

function rowOfFigures(
  method: string,
  directions: readonly Report['imageToText']['metrics'][],
): CheckedRetrieval {
  // Every query has a counterpart, so no metric is null.
  const mean = (of: (metrics: Report['imageToText']['metrics']) => number | null) =>
    directions.reduce((sum, metrics) => sum + (of(metrics) ?? 0), 0) / directions.length;
  return {
    method,
    recallAt1: mean(({ recall }) => recall[1]),
    recallAt10: mean(({ recall }) => recall[10]),
    mrrAt10: mean(({ mrrAt10 }) => mrrAt10),
  };
}

/** Rows of one file are captions of one picture. */
function tableOf(
  rows: readonly CaptionedRow[],
  hashes: readonly string[],
  { image, text }: RowFeatures,
): PairTable {
  return {
    pairs: rows.map((row, i) => ({
      imageId: row.name,
      textId: `${row.name}#${row.ordinal}`,
      pairId: row.name,
      classIds: [],
      imageHash: hashes[i] ?? '',
      textHash: createHash('sha256').update(row.text).digest('hex'),
    })),
    image: gather(image),
    text: gather(text),
    classOf: rows.map(() => null),
  };
}

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
