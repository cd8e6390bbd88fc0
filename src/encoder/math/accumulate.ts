/**
 * sums[j] += Σ_{i < count} factors[i] · weights[starts[i] + j], in place: a vector times selected rows of a matrix.
 *
 * This loop takes most of the time of an embedding. It processes eight rows at a time, so that each sum is read and written
 * once for eight rows.
 *
 * @param sums [columns]
 * @param factors at least `count` numbers
 * @param starts index in `weights` at which each row begins
 */
export function accumulate(
  sums: Float64Array,
  factors: ArrayLike<number>,
  starts: Int32Array,
  count: number,
  weights: Float32Array,
): void {
  const width = sums.length;
  const at = (i: number) => starts[i] as number;
  const by = (i: number) => factors[i] as number;
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const [r0, r1, r2, r3] = [at(i), at(i + 1), at(i + 2), at(i + 3)];
    const [r4, r5, r6, r7] = [at(i + 4), at(i + 5), at(i + 6), at(i + 7)];
    const [x0, x1, x2, x3] = [by(i), by(i + 1), by(i + 2), by(i + 3)];
    const [x4, x5, x6, x7] = [by(i + 4), by(i + 5), by(i + 6), by(i + 7)];
    for (let j = 0; j < width; j += 1) {
      sums[j] =
        (sums[j] as number) +
        x0 * (weights[r0 + j] as number) +
        x1 * (weights[r1 + j] as number) +
        x2 * (weights[r2 + j] as number) +
        x3 * (weights[r3 + j] as number) +
        x4 * (weights[r4 + j] as number) +
        x5 * (weights[r5 + j] as number) +
        x6 * (weights[r6 + j] as number) +
        x7 * (weights[r7 + j] as number);
    }
  }
  for (; i < count; i += 1) {
    const start = at(i);
    const x = by(i);
    for (let j = 0; j < width; j += 1) sums[j] = (sums[j] as number) + x * (weights[start + j] as number);
  }
}
