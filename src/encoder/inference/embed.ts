/** From the outputs of the branches to an embedding: weights, norms, output projection. Plain arithmetic, no tensors. */
import type { Modality } from '../../domain/modality.js';
import { type BranchOutput, codeWidth, runDense } from './branches.js';
import type { EncoderParameters } from './parameters.js';

/** Coordinates that `toUnitSphere` adds to an embedding. */
export const SPHERE_COORDINATES = 2;

/** Width of an embedding. */
export function embeddingWidth(parameters: EncoderParameters): number {
  const width = parameters.projection?.columns ?? joinedWidth(parameters);
  return width + (parameters.norms === null ? 0 : SPHERE_COORDINATES);
}

/** Width of the concatenation of all parts of weight above 0. */
export function joinedWidth({ branchWeights, posteriorWeights, sides }: EncoderParameters): number {
  return sides.IMAGE.branches.reduce(
    (sum, branch, i) =>
      sum +
      ((branchWeights[i] ?? 0) > 0 ? codeWidth(branch) : 0) +
      ((posteriorWeights[i] ?? 0) > 0 ? (branch.head?.bias.length ?? 0) : 0),
    0,
  );
}

/** The embedding of one item, [embeddingWidth], of unit norm, from the outputs of `runBranches`. */
export function embedOutputs(
  parameters: EncoderParameters,
  modality: Modality,
  outputs: readonly BranchOutput[],
): Float32Array {
  const embedding = withoutResidual(parameters, modality, outputs);
  const { textResidual } = parameters;
  if (modality === 'IMAGE' || textResidual == null) return embedding;
  const added = textResidual.reduce((x, layer) => runDense(layer, x), embedding);
  const sum = embedding.map((x, i) => x + (added[i] as number));
  writeScaled(sum, 0, sum, 1, 0);
  return sum;
}

function withoutResidual(
  parameters: EncoderParameters,
  modality: Modality,
  outputs: readonly BranchOutput[],
): Float32Array {
  const { projection, norms } = parameters;
  const joined = joinParts(parameters, modality, outputs);
  const embedding =
    projection === null
      ? joined
      : runDense({ weights: projection, bias: new Float32Array(projection.columns), slope: 1 }, joined);
  if (norms !== null) return toUnitSphere(embedding, modality, norms.sides[modality].radius);
  writeScaled(embedding, 0, embedding, 1, 0);
  return embedding;
}

/** The concatenation of the weighted parts, [joinedWidth]: before the output projection, and not of unit norm. */
export function joinParts(
  parameters: EncoderParameters,
  modality: Modality,
  outputs: readonly BranchOutput[],
): Float32Array {
  const { branchWeights, posteriorWeights, norms } = parameters;
  const joined = new Float32Array(joinedWidth(parameters));
  let start = 0;
  const add = (part: Float32Array, weight: number, kept: number, scale: number) => {
    if (weight <= 0) return;
    writeScaled(joined, start, part, Math.sqrt(weight) / scale, kept);
    start += part.length;
  };
  const scales = norms?.sides[modality];
  outputs.forEach(({ code }, i) => {
    add(code, branchWeights[i] ?? 0, norms?.code ?? 0, scales?.codes[i] ?? 1);
  });
  outputs.forEach(({ posterior }, i) => {
    if (posterior)
      add(posterior, posteriorWeights[i] ?? 0, norms?.posterior ?? 0, scales?.posteriors[i] ?? 1);
  });
  return joined;
}

/** The Euclidean norm. */
export function norm(vector: Float32Array): number {
  let squares = 0;
  for (const x of vector) squares += x * x;
  return Math.sqrt(squares);
}

/**
 * Maps a vector inside a ball to the unit sphere: [n] → [n + 2]. The vector is divided by the radius of the ball, and the
 * rest of its norm up to 1 becomes one more coordinate: one for images, another for texts. So the cosine of an image and a
 * text is the inner product of the original vectors, up to a constant, and cosine indexes work unchanged (after Bachrach et
 * al. 2014). A vector outside the ball is scaled to its surface.
 */
function toUnitSphere(vector: Float32Array, modality: Modality, radius: number): Float32Array {
  const out = new Float32Array(vector.length + SPHERE_COORDINATES);
  const relative = norm(vector) / radius;
  const factor = 1 / (radius * Math.max(1, relative));
  for (let i = 0; i < vector.length; i += 1) out[i] = (vector[i] as number) * factor;
  const rest = Math.sqrt(Math.max(0, 1 - Math.min(1, relative) ** 2));
  out[vector.length + (modality === 'IMAGE' ? 0 : 1)] = rest;
  return out;
}

/** Writes x · factor · |x|^(kept − 1) into `target`, starting at index `start`. A zero vector stays zero. */
function writeScaled(
  target: Float32Array,
  start: number,
  x: Float32Array,
  factor: number,
  kept: number,
): void {
  const size = norm(x);
  const scale = size > 0 ? factor * size ** (kept - 1) : 0;
  for (let i = 0; i < x.length; i += 1) target[start + i] = (x[i] as number) * scale;
}
