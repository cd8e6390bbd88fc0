/** A trained encoder at work: plain arithmetic, no tensors. */
import { CommonspaceError } from '../domain/errors.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { accumulate } from './accumulate.js';
import { rowOf } from './matrix.js';
import { createProjection } from './normalisation.js';
import type { Branch, DenseLayer, EncoderParameters } from './parameters.js';
import type { Encoder, Matrix } from './types.js';

/** Width of a branch's code. */
export function codeWidth(branch: Branch): number {
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
export function embeddingWidth({ projection, sides }: EncoderParameters): number {
  return projection?.columns ?? sides.IMAGE.branches.reduce((sum, branch) => sum + codeWidth(branch), 0);
}

/** From the components of a normalised feature to its embedding, of unit length. */
export function embedComponents(
  { branchWeights, projection, sides }: EncoderParameters,
  modality: Modality,
  components: Float32Array,
): Float32Array {
  const { branches } = sides[modality];
  const codes = new Float32Array(branches.reduce((sum, branch) => sum + codeWidth(branch), 0));
  let start = 0;
  branches.forEach((branch, i) => {
    const code = runBranch(branch, components);
    placeScaled(codes, start, code, Math.sqrt(branchWeights[i] ?? 0));
    start += code.length;
  });
  const embedding =
    projection === null
      ? codes
      : runDense({ weights: projection, bias: new Float32Array(projection.columns), slope: 1 }, codes);
  placeScaled(embedding, 0, embedding, 1);
  return embedding;
}

/** Writes `code`, brought to a length, into `target` from `start` on; a zero code stays zero. */
function placeScaled(target: Float32Array, start: number, code: Float32Array, length: number): void {
  let squares = 0;
  for (const x of code) squares += x * x;
  const factor = squares > 0 ? length / Math.sqrt(squares) : 0;
  for (let i = 0; i < code.length; i += 1) target[start + i] = (code[i] as number) * factor;
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
    parameters.sides[modality].branches.map(codeWidth).join('+'),
  );
  if (first !== second) {
    throw new CommonspaceError('BAD_MODEL', `the encoder's codes differ in width: ${first} and ${second}`);
  }
}
