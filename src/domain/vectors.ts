/** Vector arithmetic on typed arrays, with sums in float64. */

/** Σ aᵢ bᵢ of two vectors of equal length. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** The vector scaled to unit length; a zero vector stays zero. */
export function unit(vector: Float32Array): Float32Array {
  const norm = Math.sqrt(dot(vector, vector));
  return norm === 0 ? vector.slice() : vector.map((x) => x / norm);
}

/** Cosine similarity, −1 to 1; 0 if either vector is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  const norms = Math.sqrt(dot(a, a) * dot(b, b));
  return norms === 0 ? 0 : dot(a, b) / norms;
}

/** False if a number is infinite or NaN. Many times faster than `every`. */
export function allFinite(numbers: Float32Array): boolean {
  let sum = 0;
  // 0 for finite numbers, else NaN.
  for (let i = 0; i < numbers.length; i += 1) sum += 0 * (numbers[i] as number);
  return sum === 0;
}

/** exp(xᵢ) / Σ exp(xⱼ), without overflow. */
export function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const exponentials = logits.map((x) => Math.exp(x - highest));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}
