/** A part of a joined feature, and its weight in the cosine of two joined features. */
export interface WeightedPart {
  readonly part: Float32Array;
  readonly weight: number;
}

/**
 * Concatenates parts to a vector of unit length. Each part is first scaled to the norm √weight, so that the cosine of two
 * joined features is the weighted mean of the parts' cosines. The weight of a zero part goes to the other parts.
 */
export function joinUnit(parts: readonly WeightedPart[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { part }) => sum + part.length, 0));
  const norms = parts.map(({ part }) => norm(part));
  const total = parts.reduce((sum, { weight }, i) => sum + (norms[i] === 0 ? 0 : weight), 0);
  let at = 0;
  parts.forEach(({ part, weight }, i) => {
    const length = norms[i] as number;
    const scale = length === 0 || total === 0 ? 0 : Math.sqrt(weight / total) / length;
    for (let k = 0; k < part.length; k += 1) out[at + k] = (part[k] as number) * scale;
    at += part.length;
  });
  return out;
}

/** √Σxᵢ², summed in float64. */
export function norm(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i += 1) sum += (vector[i] as number) ** 2;
  return Math.sqrt(sum);
}
