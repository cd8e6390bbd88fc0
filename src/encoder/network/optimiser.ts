/**
 * Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019) under a one-cycle schedule (Smith and
 * Topin 2018). It works on plain arrays, so its results do not depend on the backend, and its state can be stored in a
 * checkpoint, which the optimisers of TensorFlow.js do not allow.
 */
import { tf } from '../../platform/tfjs.js';

/** One trainable tensor: its values, Adam's two moments, and the variable that the training graph reads. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
  /** Whether weight decay applies: to weight matrices, not to biases, scales and shifts. */
  readonly decays: boolean;
  readonly variable: tf.Variable;
}

/** A parameter with moments 0. The caller owns its variable. `values` is used, not copied. */
export function createParameter(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  decays: boolean,
): Parameter {
  const initial = tf.tensor(values.slice(), [...shape]);
  const variable = tf.variable(initial, true);
  initial.dispose();
  return {
    name,
    shape,
    values,
    firstMoment: new Float32Array(values.length),
    secondMoment: new Float32Array(values.length),
    decays,
    variable,
  };
}

/** Copies `values` into the variable. */
export function publish(parameter: Parameter): void {
  // Copied, because a backend may keep the array and upload it later.
  const next = tf.tensor(parameter.values.slice(), [...parameter.shape]);
  parameter.variable.assign(next);
  next.dispose();
}

/** The settings of one optimiser step. */
export interface Pace {
  readonly learningRate: number;
  /** Adam's β₁. It falls while the learning rate rises, and the reverse. */
  readonly momentum: number;
}

const WARM_UP = 0.3;
const START_DIVISOR = 25;
const END_DIVISOR = 1e4;

/**
 * The one-cycle schedule. The learning rate rises from peak / 25 to the peak over the first 30 % of the steps, then falls to
 * peak / 250000, both along a cosine.
 *
 * @param step from 0
 */
export function oneCycle(step: number, steps: number, peak: number): Pace {
  const top = Math.max(1, WARM_UP * steps - 1);
  const along = (from: number, to: number, share: number) =>
    to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  if (step <= top) {
    const share = step / top;
    return { learningRate: along(peak / START_DIVISOR, peak, share), momentum: along(0.95, 0.85, share) };
  }
  const share = Math.min(1, (step - top) / Math.max(1, steps - 1 - top));
  return {
    learningRate: along(peak, peak / START_DIVISOR / END_DIVISOR, share),
    momentum: along(0.85, 0.95, share),
  };
}

const BETA2 = 0.999;
const EPSILON = 1e-8;

/**
 * One update of one parameter, in place. The variable is not updated: call `publish`.
 *
 * @param step from 1
 */
export function adamStep(
  parameter: Parameter,
  gradient: Float32Array,
  step: number,
  { learningRate, momentum }: Pace,
  weightDecay: number,
): void {
  const { values, firstMoment, secondMoment } = parameter;
  const correction1 = 1 - momentum ** step;
  const correction2 = Math.sqrt(1 - BETA2 ** step);
  const stepSize = learningRate / correction1;
  const keep = parameter.decays ? 1 - learningRate * weightDecay : 1;
  for (let i = 0; i < values.length; i += 1) {
    const g = gradient[i] as number;
    const m = momentum * (firstMoment[i] as number) + (1 - momentum) * g;
    const v = BETA2 * (secondMoment[i] as number) + (1 - BETA2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    values[i] = keep * (values[i] as number) - (stepSize * m) / (Math.sqrt(v) / correction2 + EPSILON);
  }
}
