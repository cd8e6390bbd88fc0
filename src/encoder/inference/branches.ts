/** The forward pass of the branches: components of a feature vector to codes and posteriors. Plain arithmetic, no tensors. */
import type { Modality } from '../../domain/modality.js';
import { accumulate } from '../math/accumulate.js';
import type { Branch, DenseLayer, EncoderParameters } from './parameters.js';

/** The output of one branch for one feature vector. */
export interface BranchOutput {
  /** [code width] */
  readonly code: Float32Array;
  /** [classes], or null where the branch has no classifier. */
  readonly posterior: Float32Array | null;
}

/** Width of a branch's code. */
export function codeWidth(branch: Branch): number {
  return branch.layers.at(-1)?.bias.length ?? branch.skip?.bias.length ?? 0;
}

/**
 * The outputs of all branches of one modality, in order, including those of weight 0.
 *
 * @param components [components]: a normalised feature vector
 */
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

/** [in] → [out]. */
export function runDense({ weights, bias, slope }: DenseLayer, input: Float32Array): Float32Array {
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

function runBranch(branch: Branch, components: Float32Array): Float32Array {
  let out = components;
  for (const layer of branch.layers) out = runDense(layer, out);
  if (branch.skip === null) return out;
  const linear = runDense(branch.skip, components);
  return branch.layers.length === 0 ? linear : out.map((x, i) => x + (linear[i] as number));
}

const cachedStarts = new Map<string, Int32Array>();

/** The index at which each row of a matrix begins, [rows]. Cached by size. */
function rowStarts(rows: number, width: number): Int32Array {
  const key = `${rows} ${width}`;
  const cached = cachedStarts.get(key);
  if (cached) return cached;
  const starts = Int32Array.from({ length: rows }, (_, i) => i * width);
  cachedStarts.set(key, starts);
  return starts;
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
