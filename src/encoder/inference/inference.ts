/** A trained encoder at work: plain arithmetic, no tensors. */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { accumulate } from '../math/accumulate.js';
import { type Matrix, rowOf } from '../math/matrix.js';
import type { Encoder } from '../types.js';
import type { Branch, DenseLayer, EncoderParameters } from './parameters.js';
import { createProjection } from './projection.js';

/** Width of a branch's code. */
function codeWidth(branch: Branch): number {
  return branch.layers.at(-1)?.bias.length ?? branch.skip?.bias.length ?? 0;
}

/** An encoder from its parameters. */
export function createEncoder(parameters: EncoderParameters): Encoder {
  const { sides } = parameters;
  const dimension = embeddingWidth(parameters);
  const featureDimension = {
    IMAGE: sides.IMAGE.normalisation.mean.length,
    TEXT: sides.TEXT.normalisation.mean.length,
  };
  const project = {
    IMAGE: createProjection(sides.IMAGE.normalisation),
    TEXT: createProjection(sides.TEXT.normalisation),
  };

  const embed = (modality: Modality, feature: Float32Array): Float32Array => {
    if (feature.length !== featureDimension[modality]) {
      throw new CommonspaceError(
        'WRONG_DIMENSION',
        `the encoder takes ${modality.toLowerCase()} features of ${featureDimension[modality]} numbers, not ${feature.length}`,
      );
    }
    return embedComponents(parameters, modality, project[modality](feature));
  };

  return {
    dimension,
    featureDimension,
    embed,
    embedMany(modality: Modality, features: Matrix): Matrix {
      const data = new Float32Array(features.rows * dimension);
      for (let row = 0; row < features.rows; row += 1)
        data.set(embed(modality, rowOf(features, row)), row * dimension);
      return { data, rows: features.rows, columns: dimension };
    },
  };
}

/** Length of an embedding. */
export function embeddingWidth(parameters: EncoderParameters): number {
  const width = parameters.projection?.columns ?? joinedWidth(parameters);
  return width + (parameters.lengths === null ? 0 : SLACK);
}

/** Width of all parts side by side. */
export function joinedWidth({ branchWeights, posteriorWeights, sides }: EncoderParameters): number {
  return sides.IMAGE.branches.reduce(
    (sum, branch, i) =>
      sum +
      ((branchWeights[i] ?? 0) > 0 ? codeWidth(branch) : 0) +
      ((posteriorWeights[i] ?? 0) > 0 ? (branch.head?.bias.length ?? 0) : 0),
    0,
  );
}

/** What a branch says of a feature: its code and, where it has a classifier, its posterior over the classes. */
export interface BranchOutput {
  readonly code: Float32Array;
  readonly posterior: Float32Array | null;
}

/** From the components of a normalised feature to its embedding, of unit length. */
function embedComponents(
  parameters: EncoderParameters,
  modality: Modality,
  components: Float32Array,
): Float32Array {
  return embedOutputs(parameters, modality, runBranches(parameters, modality, components));
}

/** The branches' outputs, those of weight 0 among them. */
export function runBranches(
  { sides }: Pick<EncoderParameters, 'sides'>,
  modality: Modality,
  components: Float32Array,
): BranchOutput[] {
  return sides[modality].branches.map((branch) => {
    const code = runBranch(branch, components);
    return { code, posterior: branch.head && softmaxInPlace(runDense(branch.head, code)) };
  });
}

export function embedOutputs(
  parameters: EncoderParameters,
  modality: Modality,
  outputs: readonly BranchOutput[],
): Float32Array {
  const { projection, lengths } = parameters;
  const joined = joinParts(parameters, modality, outputs);
  const embedding =
    projection === null
      ? joined
      : runDense({ weights: projection, bias: new Float32Array(projection.columns), slope: 1 }, joined);
  if (lengths !== null) return onSphere(embedding, modality, lengths.sides[modality].radius);
  place(embedding, 0, embedding, 1, 0);
  return embedding;
}

/** The parts side by side, each of its length; not yet narrowed, nor of unit length. */
export function joinParts(
  parameters: EncoderParameters,
  modality: Modality,
  outputs: readonly BranchOutput[],
): Float32Array {
  const { branchWeights, posteriorWeights, lengths } = parameters;
  const joined = new Float32Array(joinedWidth(parameters));
  let start = 0;
  const add = (part: Float32Array, weight: number, kept: number, scale: number) => {
    if (weight <= 0) return;
    place(joined, start, part, Math.sqrt(weight) / scale, kept);
    start += part.length;
  };
  const scales = lengths?.sides[modality];
  outputs.forEach(({ code }, i) => {
    add(code, branchWeights[i] ?? 0, lengths?.code ?? 0, scales?.codes[i] ?? 1);
  });
  outputs.forEach(({ posterior }, i) => {
    if (posterior)
      add(posterior, posteriorWeights[i] ?? 0, lengths?.posterior ?? 0, scales?.posteriors[i] ?? 1);
  });
  return joined;
}

/** Coordinates that `onSphere` adds. */
export const SLACK = 2;

/**
 * A vector within a ball, on the unit sphere: divided by the ball's radius, it gets what its length lacks to 1 as a coordinate of
 * its modality's own. The cosine of an image and a text is thereby the inner product of what they were, up to a constant: no
 * index, no operator of the database and no caller has to know of lengths (after Bachrach et al. 2014).
 */
function onSphere(vector: Float32Array, modality: Modality, radius: number): Float32Array {
  const out = new Float32Array(vector.length + SLACK);
  const length = norm(vector) / radius;
  // What is longer than anything in the source set ends on the ball's surface.
  const factor = 1 / (radius * Math.max(1, length));
  for (let i = 0; i < vector.length; i += 1) out[i] = (vector[i] as number) * factor;
  out[vector.length + (modality === 'IMAGE' ? 0 : 1)] = Math.sqrt(Math.max(0, 1 - Math.min(1, length) ** 2));
  return out;
}

export function norm(vector: Float32Array): number {
  let squares = 0;
  for (const x of vector) squares += x * x;
  return Math.sqrt(squares);
}

/** Writes x · factor · |x|^(kept − 1) into `target` from `start` on; zero stays zero. */
function place(target: Float32Array, start: number, x: Float32Array, factor: number, kept: number): void {
  const length = norm(x);
  const scale = length > 0 ? factor * length ** (kept - 1) : 0;
  for (let i = 0; i < x.length; i += 1) target[start + i] = (x[i] as number) * scale;
}

function softmaxInPlace(logits: Float32Array): Float32Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const x of logits) most = Math.max(most, x);
  let sum = 0;
  for (let i = 0; i < logits.length; i += 1) {
    const e = Math.exp((logits[i] as number) - most);
    logits[i] = e;
    sum += e;
  }
  for (let i = 0; i < logits.length; i += 1) logits[i] = (logits[i] as number) / sum;
  return logits;
}

function runBranch(branch: Branch, components: Float32Array): Float32Array {
  let out = components;
  for (const layer of branch.layers) out = runDense(layer, out);
  if (branch.skip === null) return out;
  const beside = runDense(branch.skip, components);
  return branch.layers.length === 0 ? beside : out.map((x, i) => x + (beside[i] as number));
}

function runDense({ weights, bias, slope }: DenseLayer, input: Float32Array): Float32Array {
  const width = bias.length;
  const sums = Float64Array.from(bias);
  accumulate(sums, input, rowStarts(input.length, width), input.length, weights.data);
  const out = new Float32Array(width);
  for (let j = 0; j < width; j += 1) {
    const y = sums[j] as number;
    out[j] = y < 0 ? y * slope : y;
  }
  return out;
}

const knownStarts = new Map<string, Int32Array>();

/** Where each row of a matrix begins; made once for each size. */
function rowStarts(rows: number, width: number): Int32Array {
  const key = `${rows} ${width}`;
  const known = knownStarts.get(key);
  if (known) return known;
  const starts = Int32Array.from({ length: rows }, (_, i) => i * width);
  knownStarts.set(key, starts);
  return starts;
}

/** The two modalities must agree, branch by branch, or their embeddings could not be compared. */
export function checkParameters(parameters: EncoderParameters): void {
  const [first, second] = MODALITIES.map((modality) =>
    parameters.sides[modality].branches
      .map((branch) => `${codeWidth(branch)}/${branch.head?.bias.length ?? 0}`)
      .join('+'),
  );
  if (first !== second) {
    throw new CommonspaceError('BAD_MODEL', `the encoder's codes differ in width: ${first} and ${second}`);
  }
}
