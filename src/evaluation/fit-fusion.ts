import { setImmediate } from 'node:timers/promises';
import type { FusionCoefficients } from '../domain/fusion.js';

/** An item without a counterpart and a query, with the similarities of `FusionCoefficients`. */
export interface FusionSample {
  readonly content: number;
  readonly borrowed: number;
  /** The best similarities of the query. */
  readonly counterpartBest: number;
  readonly lexicalBest: number;
  readonly relevant: boolean;
  /** Samples of one group are fitted or measured together. */
  readonly group: string;
}

type Without = FusionCoefficients['withoutCounterpart'];

/** The fitted terms, in the order of `inputsOf`. */
const TERMS = [
  'constant',
  'content',
  'counterpartBest',
  'borrowed',
  'borrowedGap',
  'lexicalBest',
] as const satisfies readonly (keyof Without)[];

/** Weight of the squared distance from the coefficients that the fit begins with, so that few samples change them little. */
const RIDGE = 2e-4;
const MOST_PASSES = 100;
const SMALLEST_CHANGE = 1e-3;
/** A Newton step is no longer than this, because the loss is far from quadratic at a distance. */
const LONGEST_STEP = 1;

/**
 * Fits the formula for items without a counterpart, beginning with `start`: logistic regression whose coefficients but the
 * constant stay at least 0, by coordinate descent. The other formula and the probability stay as they are.
 *
 * @returns null if the fitted formula is no better than `start` on groups that it was not fitted on
 */
export async function fitWithoutCounterpart(
  samples: readonly FusionSample[],
  start: FusionCoefficients,
): Promise<FusionCoefficients | null> {
  if (!samples.some(({ relevant }) => relevant)) return null;
  const { withoutCounterpart: shipped } = start;
  const groups = [...new Set(samples.map(({ group }) => group))].sort();
  const half = new Set(groups.filter((_, i) => i % 2 === 0));
  const first = samples.filter(({ group }) => half.has(group));
  const second = samples.filter(({ group }) => !half.has(group));
  const crossFitted =
    logLoss(first, await fitTerms(second, shipped)) + logLoss(second, await fitTerms(first, shipped));
  if (!(crossFitted < logLoss(samples, shipped))) return null;
  return { ...start, withoutCounterpart: await fitTerms(samples, shipped) };
}

async function fitTerms(samples: readonly FusionSample[], start: Without): Promise<Without> {
  const origin = TERMS.map((term) => start[term]);
  const weights = [...origin];
  const inputs = samples.map(inputsOf);
  const linear = Float64Array.from(inputs, (input) => dot(input, weights));
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    let largest = 0;
    // A pass takes milliseconds; other work runs in between.
    await setImmediate();
    for (let term = 0; term < TERMS.length; term += 1) {
      const weight = weights[term] as number;
      const moved = weight - newtonStep(inputs, samples, linear, term, weight - (origin[term] as number));
      const next = term === 0 ? moved : Math.max(0, moved);
      const change = next - weight;
      if (change === 0) continue;
      weights[term] = next;
      largest = Math.max(largest, Math.abs(change));
      for (const [i, input] of inputs.entries())
        linear[i] = (linear[i] as number) + change * (input[term] as number);
    }
    if (largest < SMALLEST_CHANGE) break;
  }
  return { ...start, ...Object.fromEntries(TERMS.map((term, i) => [term, weights[i]])) };
}

/** The first by the second derivative of mean loss and ridge by one coefficient, at most LONGEST_STEP. */
function newtonStep(
  inputs: readonly (readonly number[])[],
  samples: readonly FusionSample[],
  linear: Float64Array,
  term: number,
  distance: number,
): number {
  let gradient = 0;
  let curvature = 0;
  for (const [i, input] of inputs.entries()) {
    const x = input[term] as number;
    const probability = 1 / (1 + Math.exp(-(linear[i] as number)));
    gradient += (probability - (samples[i]?.relevant ? 1 : 0)) * x;
    curvature += probability * (1 - probability) * x * x;
  }
  const step = (gradient / inputs.length + 2 * RIDGE * distance) / (curvature / inputs.length + 2 * RIDGE);
  return Math.max(-LONGEST_STEP, Math.min(LONGEST_STEP, step));
}

/** The inputs whose weighted sum is the linear score. */
function inputsOf({ content, borrowed, counterpartBest, lexicalBest }: FusionSample): readonly number[] {
  return [1, content, -counterpartBest, borrowed, -(counterpartBest - borrowed), -Math.min(1, lexicalBest)];
}

/** The sum over the samples. */
function logLoss(samples: readonly FusionSample[], without: Without): number {
  const weights = TERMS.map((term) => without[term]);
  return samples.reduce((sum, sample) => {
    const linear = dot(inputsOf(sample), weights);
    // log(1 + e^−z) without overflow.
    const z = sample.relevant ? linear : -linear;
    return sum + Math.max(0, -z) + Math.log1p(Math.exp(-Math.abs(z)));
  }, 0);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}
