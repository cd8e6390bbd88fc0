/** A branch as named arrays and layer shapes: the form in which encoder files and checkpoints store it. */
import type { Branch, DenseLayer } from './parameters.js';

interface LayerShape {
  readonly in: number;
  readonly out: number;
  readonly slope: number;
}

/** The sizes needed to read a branch back from its arrays. */
export interface BranchShape {
  readonly layers: readonly LayerShape[];
  readonly skip: LayerShape | null;
  readonly head: LayerShape | null;
}

/** Adds the numbers of a branch to `arrays`, under names that begin with `prefix`. */
export function putBranch(arrays: Map<string, Float32Array>, prefix: string, branch: Branch): BranchShape {
  const put = (name: string, { weights, bias, slope }: DenseLayer): LayerShape => {
    arrays.set(`${prefix}.${name}.weights`, weights.data);
    arrays.set(`${prefix}.${name}.bias`, bias);
    return { in: weights.rows, out: weights.columns, slope };
  };
  return {
    layers: branch.layers.map((layer, i) => put(String(i), layer)),
    skip: branch.skip === null ? null : put('skip', branch.skip),
    head: branch.head === null ? null : put('head', branch.head),
  };
}

/**
 * Reads the branch that `putBranch` stored under this prefix.
 *
 * @param take returns the array with this name and length, and throws if there is none
 */
export function takeBranch(
  take: (name: string, length: number) => Float32Array,
  prefix: string,
  shape: BranchShape,
): Branch {
  const layer = (name: string, s: LayerShape): DenseLayer => ({
    weights: { data: take(`${prefix}.${name}.weights`, s.in * s.out), rows: s.in, columns: s.out },
    bias: take(`${prefix}.${name}.bias`, s.out),
    slope: s.slope,
  });
  return {
    layers: shape.layers.map((s, i) => layer(String(i), s)),
    skip: shape.skip && layer('skip', shape.skip),
    // Encoder files written before posteriors were added have no `head`.
    head: shape.head ? layer('head', shape.head) : null,
  };
}

/** Whether a value read from a file is a valid `BranchShape`. */
export function isBranchShape(value: unknown): value is BranchShape {
  const shape = value as Partial<BranchShape> | null | undefined;
  return (
    Array.isArray(shape?.layers) &&
    shape.layers.every(isLayerShape) &&
    (shape.skip === null || isLayerShape(shape.skip)) &&
    (shape.head === undefined || shape.head === null || isLayerShape(shape.head)) &&
    (shape.layers.length > 0 || shape.skip !== null)
  );
}

function isLayerShape(value: unknown): value is LayerShape {
  const shape = value as Partial<LayerShape> | null | undefined;
  return isCount(shape?.in) && isCount(shape?.out) && typeof shape?.slope === 'number';
}

/** Whether a value is a positive integer. */
export function isCount(x: unknown): boolean {
  return Number.isSafeInteger(x) && (x as number) > 0;
}
