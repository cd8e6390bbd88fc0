/**
 * Exact t-SNE (van der Maaten and Hinton 2008), over every pair of points. It starts from the principal plane (Kobak and
 * Berens 2019), so the result is not random.
 */

export interface TsneOptions {
  readonly perplexity: number;
  readonly iterations: number;
}

const EXAGGERATION = 12;
const EXAGGERATED_SHARE = 0.25;
/** The most bisection steps for a point's bandwidth. */
const BISECTIONS = 50;
const SMALLEST = 1e-12;

/**
 * @param distances [n · n] squared distances
 * @param start [n] initial positions, of any scale
 * @returns [n] positions, in arbitrary units
 */
export function tsne(
  distances: Float32Array,
  start: readonly (readonly [x: number, y: number])[],
  options: TsneOptions,
): readonly (readonly [x: number, y: number])[] {
  const n = start.length;
  const p = jointProbabilities(distances, n, options.perplexity);
  const positions = smallStart(start);
  const velocity = new Float64Array(2 * n);
  const gains = new Float64Array(2 * n).fill(1);
  const gradient = new Float64Array(2 * n);
  const closeness = new Float32Array(n * n);
  // After Belkina et al. 2019: the rate is proportional to the number of points.
  const rate = Math.max(n / EXAGGERATION / 4, 50);
  const exaggerated = Math.round(options.iterations * EXAGGERATED_SHARE);

  for (let iteration = 0; iteration < options.iterations; iteration += 1) {
    const early = iteration < exaggerated;
    computeGradient(gradient, positions, p, closeness, early ? EXAGGERATION : 1);
    const momentum = early ? 0.5 : 0.8;
    for (let i = 0; i < 2 * n; i += 1) {
      const slope = gradient[i] as number;
      const speed = velocity[i] as number;
      const gain = Math.max(
        0.01,
        slope > 0 === speed > 0 ? (gains[i] as number) * 0.8 : (gains[i] as number) + 0.2,
      );
      gains[i] = gain;
      velocity[i] = momentum * speed - rate * gain * slope;
      positions[i] = (positions[i] as number) + (velocity[i] as number);
    }
  }
  return start.map((_, i) => [positions[2 * i] as number, positions[2 * i + 1] as number]);
}

/** 4 Σ (p − q)(yᵢ − yⱼ)/(1 + ‖yᵢ − yⱼ‖²) */
function computeGradient(
  gradient: Float64Array,
  positions: Float64Array,
  p: Float32Array,
  closeness: Float32Array,
  exaggeration: number,
): void {
  const n = positions.length / 2;
  let total = 0;
  for (let i = 0; i < n; i += 1) {
    const x = positions[2 * i] as number;
    const y = positions[2 * i + 1] as number;
    for (let j = 0; j < i; j += 1) {
      const dx = x - (positions[2 * j] as number);
      const dy = y - (positions[2 * j + 1] as number);
      const close = 1 / (1 + dx * dx + dy * dy);
      closeness[i * n + j] = close;
      total += 2 * close;
    }
  }
  gradient.fill(0);
  for (let i = 0; i < n; i += 1) {
    const x = positions[2 * i] as number;
    const y = positions[2 * i + 1] as number;
    let gx = 0;
    let gy = 0;
    for (let j = 0; j < i; j += 1) {
      const close = closeness[i * n + j] as number;
      const pull = 4 * (exaggeration * (p[i * n + j] as number) - close / total) * close;
      const fx = pull * (x - (positions[2 * j] as number));
      const fy = pull * (y - (positions[2 * j + 1] as number));
      gx += fx;
      gy += fy;
      gradient[2 * j] = (gradient[2 * j] as number) - fx;
      gradient[2 * j + 1] = (gradient[2 * j + 1] as number) - fy;
    }
    gradient[2 * i] = (gradient[2 * i] as number) + gx;
    gradient[2 * i + 1] = (gradient[2 * i + 1] as number) + gy;
  }
}

/** [n · n], symmetric, of sum 1. Each point's bandwidth gives it `perplexity` effective neighbours. */
function jointProbabilities(distances: Float32Array, n: number, perplexity: number): Float32Array {
  const conditional = new Float32Array(n * n);
  const wanted = Math.log(perplexity);
  const row = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    let low = 0;
    let high = Number.POSITIVE_INFINITY;
    let beta = 1;
    for (let step = 0; step < BISECTIONS; step += 1) {
      const entropy = fillRow(row, distances, n, i, beta);
      if (Math.abs(entropy - wanted) < 1e-5) break;
      if (entropy > wanted) low = beta;
      else high = beta;
      beta = high === Number.POSITIVE_INFINITY ? beta * 2 : (low + high) / 2;
    }
    conditional.set(row, i * n);
  }
  const joint = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < n; j += 1) {
      const both = (conditional[i * n + j] as number) + (conditional[j * n + i] as number);
      joint[i * n + j] = i === j ? 0 : Math.max(SMALLEST, both / (2 * n));
    }
  }
  return joint;
}

/** Writes one point's neighbour probabilities to `row`; returns their entropy in nats. */
function fillRow(row: Float64Array, distances: Float32Array, n: number, i: number, beta: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let j = 0; j < n; j += 1) if (j !== i) nearest = Math.min(nearest, distances[i * n + j] as number);
  let sum = 0;
  let weighted = 0;
  for (let j = 0; j < n; j += 1) {
    const beyond = (distances[i * n + j] as number) - nearest;
    const weight = j === i ? 0 : Math.exp(-beta * beyond);
    row[j] = weight;
    sum += weight;
    weighted += weight * beyond;
  }
  for (let j = 0; j < n; j += 1) row[j] = (row[j] as number) / sum;
  return Math.log(sum) + (beta * weighted) / sum;
}

/** Positions around the origin, with a standard deviation of 10⁻⁴ along x. */
function smallStart(start: readonly (readonly [number, number])[]): Float64Array {
  const n = start.length;
  const meanX = start.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = start.reduce((sum, [, y]) => sum + y, 0) / n;
  const deviation = Math.sqrt(start.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0) / n) || 1;
  // Coinciding points would stay together, so a tiny spiral separates them.
  return Float64Array.from({ length: 2 * n }, (_, k) => {
    const i = k >> 1;
    const [x, y] = start[i] as readonly [number, number];
    const nudge = 1e-8 * (k % 2 === 0 ? Math.cos(i) : Math.sin(i));
    return (1e-4 * (k % 2 === 0 ? x - meanX : y - meanY)) / deviation + nudge;
  });
}
