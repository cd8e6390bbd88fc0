/**
 * Multinomial logistic regression with an L2 penalty, by L-BFGS (Liu and Nocedal 1989). The tensor backend must be loaded.
 */
import { tf } from '../../platform/tfjs.js';
import { type Matrix, takeRows } from '../math/matrix.js';
import { toTensor } from '../network/tensors.js';

/** logits = x W + b. */
export interface LogisticRegression {
  /** [features + 1, classes], row-major; the last row is b, which is not penalised. */
  readonly weights: Float64Array;
  readonly features: number;
  readonly classes: number;
}

export interface LogisticOptions {
  readonly classes: number;
  /** The objective is mean cross-entropy + l2 · ‖W‖²/2. In scikit-learn, C = 1/(l2 · rows). */
  readonly l2: number;
  /** Initial values, of the same size. */
  readonly start?: LogisticRegression;
}

/** Number of past steps that approximate the Hessian. */
const MEMORY = 8;
const MOST_ITERATIONS = 200;
/** The fit ends when no entry of the gradient is larger. */
const TOLERANCE = 1e-3;

/**
 * Fits a regression. It does not throw if it fails to converge: it returns the best weights after `MOST_ITERATIONS`.
 *
 * @param rows [n, features]
 * @param labels [n], 0 … classes − 1; rows with a negative label are ignored
 */
export function fitLogisticRegression(
  rows: Matrix,
  labels: Int32Array,
  { classes, l2, start }: LogisticOptions,
): LogisticRegression {
  const features = rows.columns;
  const size = (features + 1) * classes;
  const objective = createObjective(rows, labels, classes, l2);
  try {
    return { weights: minimise(objective, start?.weights ?? new Float64Array(size)), features, classes };
  } finally {
    objective.dispose();
  }
}

/** L-BFGS from these weights. */
function minimise({ evaluate }: Objective, start: Float64Array): Float64Array {
  const size = start.length;
  const weights = start.slice();
  let gradient = new Float64Array(size);
  let loss = evaluate(weights, gradient);
  const steps: { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[] = [];

  for (let iteration = 0; iteration < MOST_ITERATIONS && largest(gradient) > TOLERANCE; iteration += 1) {
    const direction = descent(gradient, steps);
    const slope = dot(direction, gradient);
    // Backtracking line search with the Armijo condition.
    let length = steps.length === 0 ? 1 / Math.max(1, norm(gradient)) : 1;
    const next = new Float64Array(size);
    const nextGradient = new Float64Array(size);
    let nextLoss = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 30; tries += 1) {
      for (let i = 0; i < size; i += 1) next[i] = (weights[i] as number) + length * (direction[i] as number);
      nextLoss = evaluate(next, nextGradient);
      if (nextLoss <= loss + 1e-4 * length * slope) break;
      length /= 2;
    }
    if (!(nextLoss < loss)) break;
    const s = next.map((x, i) => x - (weights[i] as number));
    const y = nextGradient.map((x, i) => x - (gradient[i] as number));
    const curvature = dot(s, y);
    if (curvature > 1e-12) steps.push({ s, y, rho: 1 / curvature });
    if (steps.length > MEMORY) steps.shift();
    weights.set(next);
    gradient = nextGradient;
    loss = nextLoss;
  }
  return weights;
}

/** The probability of each class: [features] → [classes]. */
export function posterior(
  { weights, features, classes }: LogisticRegression,
  row: ArrayLike<number>,
): Float64Array {
  const out = weights.slice(features * classes);
  for (let j = 0; j < features; j += 1) {
    const x = row[j] as number;
    for (let c = 0; c < classes; c += 1)
      out[c] = (out[c] as number) + x * (weights[j * classes + c] as number);
  }
  softmax(out);
  return out;
}

interface Objective {
  /** Returns the loss at these weights and writes its gradient into the second argument. */
  evaluate(weights: Float64Array, gradient: Float64Array): number;
  /** Frees the tensors. */
  dispose(): void;
}

/** Both matrix products run on the tensor backend: with many classes, plain arithmetic takes minutes for a fit. */
function createObjective(rows: Matrix, labels: Int32Array, classes: number, l2: number): Objective {
  const features = rows.columns;
  const known = Int32Array.from(labels.keys()).filter((row) => (labels[row] as number) >= 0);
  const n = Math.max(1, known.length);
  const own = takeRows(rows, known);
  const x = toTensor(own);
  const y = toTensor(oneHot(known, labels, classes));
  // Transposed once: a product with a transposed operand is slow on the wasm backend.
  const transposed = tf.tidy(() => tf.transpose(x));
  const weightCount = features * classes;
  return {
    evaluate(weights, gradient) {
      const w = Float32Array.from(weights);
      const [loss, ofWeights, ofBias] = tf.tidy(() => {
        const matrix = tf.tensor2d(w.subarray(0, weightCount), [features, classes]);
        const bias = tf.tensor1d(w.subarray(weightCount));
        const probabilities = tf.softmax(tf.add<tf.Tensor2D>(tf.matMul(x, matrix), bias));
        const right = tf.sum(tf.mul(probabilities, y), 1);
        const error = tf.sub<tf.Tensor2D>(probabilities, y);
        return [
          -(tf.sum(tf.log(tf.maximum(right, 1e-30))).dataSync()[0] as number),
          tf.matMul(transposed, error).dataSync(),
          tf.sum(error, 0).dataSync(),
        ] as const;
      });
      let penalty = 0;
      for (let i = 0; i < weightCount; i += 1) {
        const weight = weights[i] as number;
        gradient[i] = (ofWeights[i] as number) / n + l2 * weight;
        penalty += (l2 / 2) * weight * weight;
      }
      for (let c = 0; c < classes; c += 1) gradient[weightCount + c] = (ofBias[c] as number) / n;
      return loss / n + penalty;
    },
    dispose() {
      tf.dispose([x, y, transposed]);
    },
  };
}

/** [known, classes]: 1 for the class of each row. */
function oneHot(known: Int32Array, labels: Int32Array, classes: number): Matrix {
  const data = new Float32Array(known.length * classes);
  known.forEach((row, i) => {
    data[i * classes + (labels[row] as number)] = 1;
  });
  return { data, rows: known.length, columns: classes };
}

/** The search direction −H g, where the last steps approximate the inverse Hessian H (two-loop recursion). */
function descent(
  gradient: Float64Array,
  steps: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[],
): Float64Array {
  const direction = gradient.map((x) => -x);
  const alphas: number[] = [];
  for (const { s, y, rho } of steps.toReversed()) {
    const alpha = rho * dot(s, direction);
    alphas.unshift(alpha);
    add(direction, y, -alpha);
  }
  const last = steps.at(-1);
  if (last) {
    const scale = dot(last.s, last.y) / dot(last.y, last.y);
    for (let i = 0; i < direction.length; i += 1) direction[i] = (direction[i] as number) * scale;
  }
  steps.forEach(({ s, y, rho }, i) => {
    add(direction, s, (alphas[i] as number) - rho * dot(y, direction));
  });
  return direction;
}

function softmax(logits: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const x of logits) if (x > most) most = x;
  let sum = 0;
  for (let c = 0; c < logits.length; c += 1) {
    const e = Math.exp((logits[c] as number) - most);
    logits[c] = e;
    sum += e;
  }
  for (let c = 0; c < logits.length; c += 1) logits[c] = (logits[c] as number) / sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(target: Float64Array, x: Float64Array, factor: number): void {
  for (let i = 0; i < target.length; i += 1) target[i] = (target[i] as number) + factor * (x[i] as number);
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, a));
}

function largest(a: Float64Array): number {
  let most = 0;
  for (const x of a) most = Math.max(most, Math.abs(x));
  return most;
}
