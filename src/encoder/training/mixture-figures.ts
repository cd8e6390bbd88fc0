/**
 * The figures of many mixtures of the same parts. The inner products of each part are computed once; those of a mixture are their
 * weighted sum.
 */
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { norm } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import type { TrainOptions } from '../types.js';
import { type Branches, combineParts, keepsNorm, type Outputs, outputsOf } from './combine-parts.js';
import type { HeldPairs, PreparedPairs } from './training-data.js';
import { figureOfSimilarities, innerProducts } from './validation-figure.js';

/** The scaled values of one part: x becomes x · |x|^(kept − 1) / scale. */
interface Part {
  /** [held-out pairs, held-out pairs]: images by texts. */
  readonly products: Float32Array;
  /** [rows]: squared norms of the held-out rows, and of the training rows where norms are kept. */
  readonly held: Readonly<Record<Modality, Float64Array>>;
  readonly trained: Readonly<Record<Modality, Float64Array>> | null;
}

/**
 * The figure of each candidate on held-out pairs, as the embeddings of `combineParts` without an output projection have it.
 *
 * @param training the pairs that the branches were trained on: kept norms are scaled by them
 */
export function mixtureFigures(
  branches: Branches,
  { training, validation }: { readonly training: PreparedPairs; readonly validation: HeldPairs },
  candidates: readonly TrainOptions[],
): number[] {
  const held = outputsOf(branches, validation);
  const trained = candidates.some(keepsNorm) ? outputsOf(branches, training) : null;
  const bySetting = new Map<string, readonly Part[]>();
  return candidates.map((options) => {
    const setting = `${options.codeLength} ${options.posteriorLength}`;
    const parts = bySetting.get(setting) ?? partsOf(combineParts(branches, options, trained), held, trained);
    bySetting.set(setting, parts);
    const { branchWeights, posteriorWeights } = combineParts(branches, options, null);
    const weights = [...branchWeights, ...posteriorWeights];
    return figureOfSimilarities(validation, similaritiesOf(parts, weights, keepsNorm(options)));
  });
}

/** The parts in the order of `branchWeights`, then of `posteriorWeights`. */
function partsOf({ norms }: EncoderParameters, held: Outputs, trained: Outputs | null): Part[] {
  const count = held.IMAGE[0]?.length ?? 0;
  const indices = Array.from({ length: count }, (_, i) => i);
  return (['code', 'posterior'] as const).flatMap((name) =>
    indices.map((i) => {
      const kept = norms?.[name] ?? 0;
      const scaleOf = (modality: Modality) =>
        norms?.sides[modality][name === 'code' ? 'codes' : 'posteriors'][i] ?? 1;
      const rowsOf = (outputs: Outputs, modality: Modality) =>
        outputs[modality].map((row) => row[i]?.[name] ?? new Float32Array());
      const squares = (outputs: Outputs) => ({
        IMAGE: squaredNorms(rowsOf(outputs, 'IMAGE'), kept, scaleOf('IMAGE')),
        TEXT: squaredNorms(rowsOf(outputs, 'TEXT'), kept, scaleOf('TEXT')),
      });
      const [image, text] = MODALITIES.map((modality) =>
        scaled(rowsOf(held, modality), kept, scaleOf(modality)),
      ) as [Float32Array, Float32Array];
      const columns = held.IMAGE[0]?.[i]?.[name]?.length ?? 0;
      return {
        products: columns === 0 ? new Float32Array() : innerProducts(image, text, columns),
        held: squares(held),
        trained: norms !== null && trained !== null ? squares(trained) : null,
      };
    }),
  );
}

/** [n] rows → [n · columns]: each row x as x · |x|^(kept − 1) / scale. */
function scaled(rows: readonly Float32Array[], kept: number, scale: number): Float32Array {
  const columns = rows[0]?.length ?? 0;
  const out = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    const size = norm(row);
    const factor = size > 0 ? size ** (kept - 1) / scale : 0;
    out.set(
      row.map((x) => x * factor),
      i * columns,
    );
  });
  return out;
}

function squaredNorms(rows: readonly Float32Array[], kept: number, scale: number): Float64Array {
  return Float64Array.from(rows, (row) => {
    const size = norm(row);
    return size > 0 ? (size ** kept / scale) ** 2 : 0;
  });
}

/** The cosines of the mixture up to a constant: [held-out pairs, held-out pairs]. */
function similaritiesOf(
  parts: readonly Part[],
  weights: readonly number[],
  keepsNorms: boolean,
): Float32Array {
  const rows = parts[0]?.held.IMAGE.length ?? 0;
  const sum = new Float32Array(rows * rows);
  parts.forEach(({ products }, p) => {
    const weight = weights[p] ?? 0;
    if (weight === 0) return;
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + weight * (products[i] as number);
  });
  const [image, text] = MODALITIES.map((modality) => factorsOf(parts, weights, modality, keepsNorms)) as [
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < rows; i += 1)
    for (let j = 0; j < rows; j += 1)
      sum[i * rows + j] = (sum[i * rows + j] as number) * (image[i] as number) * (text[j] as number);
  return sum;
}

/**
 * [rows]: what a joined vector is divided by. Without kept norms it is its norm; with kept norms it is the largest norm of the training rows, or its own
 * where that is larger (see `toUnitSphere`).
 */
function factorsOf(
  parts: readonly Part[],
  weights: readonly number[],
  modality: Modality,
  keepsNorms: boolean,
): Float64Array {
  const norms = (squaresOf: (part: Part) => Float64Array | undefined): Float64Array => {
    const sums = new Float64Array(squaresOf(parts[0] as Part)?.length ?? 0);
    parts.forEach((part, p) => {
      const squares = squaresOf(part);
      const weight = weights[p] ?? 0;
      if (weight > 0 && squares)
        squares.forEach((x, row) => {
          sums[row] = (sums[row] as number) + weight * x;
        });
    });
    return sums.map(Math.sqrt);
  };
  const held = norms((part) => part.held[modality]);
  if (!keepsNorms) return held.map((length) => (length > 0 ? 1 / length : 0));
  const radius =
    norms((part) => part.trained?.[modality]).reduce((most, length) => Math.max(most, length), 0) || 1;
  return held.map((length) => 1 / Math.max(radius, length));
}
