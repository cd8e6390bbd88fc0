/**
 * The name map: a ridge regression from the names of the classes to where their items lie in the common space. Texts teach the text side
 * what captions mean, and a bare name may lie far from the items of its class. The map moves the name of a class without items towards
 * the items of classes with similar names (classifiers predicted from semantics: Elhoseiny, Saleh, Elgammal 2013; Changpinyo, Chao,
 * Gong, Sha 2016).
 */
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import { runBranches } from '../inference/branches.js';
import { embedOutputs } from '../inference/embed.js';
import type { DenseLayer, EncoderParameters } from '../inference/parameters.js';
import { covariance, multiply, symmetricEigen, symmetricFunction } from '../math/linear-algebra.js';
import { gather, type Matrix, rowOf, takeRows } from '../math/matrix.js';
import { normalise } from './fit-normalisation.js';
import { atMost, PROJECTED_ROWS } from './scale.js';
import type { PreparedPairs, PreparedSource } from './training-data.js';

/** Fewer classes say nothing about others. */
const LEAST_CLASSES = 10;
/** λ, in mean square norms of the names. */
const REGULARISATION = 1;
/** Factor of what the map gives: a class without items then lies where the map puts it, more than where its name alone is. */
const STRENGTH = 2;

/**
 * W = strength · (XᵀX + λ m I)⁻¹ Xᵀ (P − mean P). X has the centred components of the names of the classes that have items, m is their mean square
 * norm, P the unit mean of each class's items and name in the common space. Values: docs/decisions/0027-names-in-the-space.md.
 *
 * @param names [classes, features]: text features of the names of the classes
 * @returns a layer [text components] → [dimension] without activation; null with fewer than `LEAST_CLASSES` classes
 */
export function fitNameMap(
  parameters: EncoderParameters,
  { pairs, normalisation }: Pick<PreparedSource, 'pairs' | 'normalisation'>,
  names: Matrix,
): DenseLayer | null {
  const components = normalise(normalisation.TEXT, names);
  const prototypes = unitMeans(parameters, pairs, components);
  const present = Int32Array.from(prototypes.keys()).sort();
  if (present.length < LEAST_CLASSES) return null;
  const x = centre(takeRows(components, present));
  const targets = centre(gather(Array.from(present, (label) => prototypes.get(label))));
  const variances = covariance(x.centred, x.centred);
  let total = 0;
  for (let i = 0; i < variances.rows; i += 1) total += variances.data[i * variances.rows + i] as number;
  const added = (REGULARISATION * total) / present.length;
  const inverse = symmetricFunction(
    symmetricEigen(variances),
    (value) => STRENGTH / (Math.max(value, 0) + added + 1e-12),
  );
  const weights = multiply(inverse, covariance(x.centred, targets.centred));
  return {
    weights: { data: Float32Array.from(weights.data), rows: weights.rows, columns: weights.columns },
    bias: Float32Array.from(
      multiply({ data: x.mean, rows: 1, columns: weights.rows }, weights).data,
      (value) => -value,
    ),
    slope: 1,
  };
}

/** The unit vector along the name and the items of each class that has items among at most `PROJECTED_ROWS` pairs. */
function unitMeans(
  parameters: EncoderParameters,
  { image, text, labels }: PreparedPairs,
  names: Matrix,
): Map<number, Float32Array> {
  const embed = (modality: Modality, row: Float32Array) =>
    embedOutputs(parameters, modality, runBranches(parameters, modality, row));
  const labelled = Int32Array.from(labels.keys()).filter((row) => {
    const label = labels[row] as number;
    return label >= 0 && label < names.rows;
  });
  const rows = atMost(labelled, PROJECTED_ROWS);
  const sums = new Map<number, Float32Array>();
  for (const modality of MODALITIES) {
    const chosen = takeRows(modality === 'IMAGE' ? image : text, rows);
    rows.forEach((row, i) => {
      const label = labels[row] as number;
      const sum = sums.get(label) ?? embed('TEXT', rowOf(names, label));
      const item = embed(modality, rowOf(chosen, i));
      item.forEach((value, j) => {
        sum[j] = (sum[j] as number) + value;
      });
      sums.set(label, sum);
    });
  }
  return new Map([...sums].map(([label, sum]) => [label, unit(sum)]));
}

function centre(matrix: Matrix): { readonly centred: Matrix; readonly mean: Float64Array } {
  const { data, rows, columns } = matrix;
  const mean = new Float64Array(columns);
  data.forEach((value, i) => {
    mean[i % columns] = (mean[i % columns] as number) + value / rows;
  });
  return {
    centred: { ...matrix, data: data.map((value, i) => value - (mean[i % columns] as number)) },
    mean,
  };
}
