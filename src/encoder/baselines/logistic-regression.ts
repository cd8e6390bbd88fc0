/** Multinomial logistic regression with an L2 penalty, by L-BFGS (Liu and Nocedal 1989), in float64. */
import type { Matrix } from '../math/matrix.js';

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
  const weights = start ? start.weights.slice() : new Float64Array(size);
  let gradient = new Float64Array(size);
  let loss = objective(weights, gradient);
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
      nextLoss = objective(next, nextGradient);
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
  return { weights, features, classes };
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

/** The objective as a function of the weights. It returns the loss and writes the gradient into its second argument. */
function createObjective(rows: Matrix, labels: Int32Array, classes: number, l2: number) {
  const { columns: features, data } = rows;
  const known = [...labels.keys()].filter((row) => (labels[row] as number) >= 0);
  const logits = new Float64Array(classes);
  return (weights: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (const row of known) {
      const start = row * features;
      for (let c = 0; c < classes; c += 1) logits[c] = weights[features * classes + c] as number;
      for (let j = 0; j < features; j += 1) {
        const x = data[start + j] as number;
        const at = j * classes;
        for (let c = 0; c < classes; c += 1)
          logits[c] = (logits[c] as number) + x * (weights[at + c] as number);
      }
      softmax(logits);
      const label = labels[row] as number;
      loss -= Math.log(Math.max(logits[label] as number, 1e-300));
      logits[label] = (logits[label] as number) - 1;
      for (let j = 0; j < features; j += 1) {
        const x = data[start + j] as number;
        const at = j * classes;
        for (let c = 0; c < classes; c += 1)
          gradient[at + c] = (gradient[at + c] as number) + x * (logits[c] as number);
      }
      const bias = features * classes;
      for (let c = 0; c < classes; c += 1)
        gradient[bias + c] = (gradient[bias + c] as number) + (logits[c] as number);
    }
    const n = Math.max(1, known.length);
    loss /= n;
    for (let i = 0; i < gradient.length; i += 1) {
      const w = i < features * classes ? (weights[i] as number) : 0;
      gradient[i] = (gradient[i] as number) / n + l2 * w;
      loss += (l2 / 2) * w * w;
    }
    return loss;
  };
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
