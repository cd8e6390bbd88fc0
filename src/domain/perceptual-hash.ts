/**
 * The perceptual hash of a picture: 64 bits, of which few differ between copies of one picture that were resized or
 * compressed (docs/decisions/0019-near-identical-pictures.md). 48 bits are the low frequencies of the brightness, by the
 * discrete cosine transform; 16 bits are the hues of the four quadrants.
 *
 * As a number it is signed, as Postgres' bigint is.
 */

/** Hashes that differ in at most this many bits are those of copies. The four bands of the index find no greater distance. */
export const COPY_DISTANCE = 3;

/** Width and height in pixels of the picture that is hashed. */
const HASHED_SIDE = 32;

/** How a picture is scaled before it is hashed. */
export const HASHED_SIZE = { width: HASHED_SIDE, height: HASHED_SIDE, fit: 'fill' } as const;

/** Frequencies in each direction, from 0 (constant). */
const FREQUENCIES = 8;
const COEFFICIENTS = 48;
const BANDS = 4;

/**
 * A coefficient gives a 1 if it exceeds this multiple of the mean magnitude. A threshold of zero would make the bits of
 * coefficients near zero, of which a symmetric picture has many, differ between copies.
 */
const DEAD_ZONE = 0.3;

/** The least threshold, above the noise of compression and of rounding in a picture of one colour. */
const LEAST_THRESHOLD = 100;

/** Levels of the cosine and the sine of a hue. Shades of grey are between the two. */
const HUE_LEVELS = [-0.4, 0.4] as const;

/** The mean squared chroma of a quadrant (chroma is 0 to about 180) below which its hue counts less than half. */
const GREY = 64;

const COSINES = Array.from({ length: FREQUENCIES }, (_, frequency) =>
  Float64Array.from({ length: HASHED_SIDE }, (_, x) =>
    Math.cos(((2 * x + 1) * frequency * Math.PI) / (2 * HASHED_SIDE)),
  ),
);

/** Pairs of a horizontal and a vertical frequency, the lowest first, without the constant. */
const ORDER = Array.from({ length: FREQUENCIES ** 2 }, (_, i) => ({
  u: i % FREQUENCIES,
  v: Math.floor(i / FREQUENCIES),
}))
  .sort((a, b) => a.u + a.v - (b.u + b.v) || a.u - b.u)
  .slice(1, COEFFICIENTS + 1);

/** @param rgb the picture scaled to 32 × 32 pixels: interleaved 8-bit sRGB, 3072 bytes. */
export function perceptualHash(rgb: Uint8Array): bigint {
  if (rgb.length !== 3 * HASHED_SIDE ** 2) throw new Error(`${rgb.length} bytes are not 32 × 32 pixels`);
  const coefficients = lowFrequencies(rgb);
  const threshold = Math.max(LEAST_THRESHOLD, DEAD_ZONE * mean(coefficients.map(Math.abs)));
  const hues = quadrantHues(rgb);
  let hash = 0n;
  // Each band of 16 bits gets frequencies of every height and one quadrant, so that no band is the same in many pictures.
  for (let band = 0; band < BANDS; band += 1) {
    for (let i = band; i < COEFFICIENTS; i += BANDS) hash = append(hash, (coefficients[i] ?? 0) > threshold);
    for (const component of hues[band] ?? []) {
      for (const level of HUE_LEVELS) hash = append(hash, component > level);
    }
  }
  return BigInt.asIntN(64, hash);
}

/** The number of bits in which two hashes differ, 0 to 64. */
export function hammingDistance(a: bigint, b: bigint): number {
  let difference = BigInt.asUintN(64, a ^ b);
  let bits = 0;
  while (difference !== 0n) {
    difference &= difference - 1n;
    bits += 1;
  }
  return bits;
}

/**
 * The coefficients of the two-dimensional discrete cosine transform of the brightness at ORDER, each times the sum of its
 * frequencies: in most pictures the magnitude falls with the frequency.
 */
function lowFrequencies(rgb: Uint8Array): number[] {
  const luma = Float64Array.from({ length: HASHED_SIDE ** 2 }, (_, i) => lumaAt(rgb, i));
  const byRow = COSINES.map((cosine) =>
    Float64Array.from({ length: HASHED_SIDE }, (_, y) =>
      dot(cosine, luma.subarray(y * HASHED_SIDE, (y + 1) * HASHED_SIDE)),
    ),
  );
  return ORDER.map(({ u, v }) => (u + v) * dot(COSINES[v] ?? [], byRow[u] ?? []));
}

/** The cosine and the sine of the hue of each quadrant, weighted by chroma, so that a small coloured thing on grey counts. */
function quadrantHues(rgb: Uint8Array): [number, number][] {
  const sums = Array.from({ length: BANDS }, () => ({ blue: 0, red: 0, square: 0 }));
  const half = HASHED_SIDE / 2;
  for (let i = 0; i < HASHED_SIDE ** 2; i += 1) {
    const luma = lumaAt(rgb, i);
    const blue = 0.564 * ((rgb[3 * i + 2] ?? 0) - luma);
    const red = 0.713 * ((rgb[3 * i] ?? 0) - luma);
    const chroma = Math.hypot(blue, red);
    const quadrant = (i >= half * HASHED_SIDE ? 2 : 0) + (i % HASHED_SIDE >= half ? 1 : 0);
    const sum = sums[quadrant];
    if (sum === undefined) continue;
    sum.blue += chroma * blue;
    sum.red += chroma * red;
    sum.square += chroma ** 2;
  }
  return sums.map(({ blue, red, square }) => {
    const weight = square + GREY * half ** 2;
    return [blue / weight, red / weight];
  });
}

/** 0 to 255. */
function lumaAt(rgb: Uint8Array, pixel: number): number {
  return (
    0.299 * (rgb[3 * pixel] ?? 0) + 0.587 * (rgb[3 * pixel + 1] ?? 0) + 0.114 * (rgb[3 * pixel + 2] ?? 0)
  );
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function append(hash: bigint, bit: boolean): bigint {
  return (hash << 1n) | (bit ? 1n : 0n);
}
