import { COPY_DISTANCE, HASHED_SIZE, hammingDistance, perceptualHash } from './perceptual-hash.js';

/** What tells whether two pictures are copies of one. */
export interface PictureHash {
  /** Finds candidates; see perceptual-hash.ts. */
  readonly hash: bigint;
  /** Mean brightness of 8 × 8 cells, row by row, 64 bytes. It tells candidates apart. */
  readonly detail: Uint8Array;
}

const CELLS = 8;
const CELL_SIDE = HASHED_SIZE.width / CELLS;

/** Details of copies correlate at least this much. */
const COPY_CORRELATION = 0.98;

/** The lower standard deviation of the brightness of two copies is at least this share of the higher one. */
const COPY_CONTRAST = 0.7;

/** Standard deviation of the brightness below which a picture is of one shade, and nothing correlates. */
const FLAT = 3;
/** Difference of the mean brightness up to which pictures of one shade are copies. */
const FLAT_DIFFERENCE = 8;

/** @param rgb the picture scaled to HASHED_SIZE: interleaved 8-bit sRGB, 3072 bytes. */
export function hashPicture(rgb: Uint8Array): PictureHash {
  return { hash: perceptualHash(rgb), detail: detailOf(rgb) };
}

/** Whether two pictures are copies of one, resized or compressed. Not transitive. */
export function areCopies(a: PictureHash, b: PictureHash): boolean {
  return hammingDistance(a.hash, b.hash) <= COPY_DISTANCE && haveSameDetail(a.detail, b.detail);
}

function detailOf(rgb: Uint8Array): Uint8Array {
  const sums = new Float64Array(CELLS ** 2);
  for (let i = 0; i < rgb.length / 3; i += 1) {
    const x = i % HASHED_SIZE.width;
    const y = Math.floor(i / HASHED_SIZE.width);
    const cell = Math.floor(y / CELL_SIDE) * CELLS + Math.floor(x / CELL_SIDE);
    const [r = 0, g = 0, b = 0] = rgb.subarray(3 * i, 3 * i + 3);
    sums[cell] = (sums[cell] ?? 0) + 0.299 * r + 0.587 * g + 0.114 * b;
  }
  return Uint8Array.from(sums, (sum) => Math.round(sum / CELL_SIDE ** 2));
}

function haveSameDetail(a: Uint8Array, b: Uint8Array): boolean {
  const [meanA, meanB] = [mean(a), mean(b)];
  let covariance = 0;
  let varianceA = 0;
  let varianceB = 0;
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [(a[i] ?? 0) - meanA, (b[i] ?? 0) - meanB];
    covariance += x * y;
    varianceA += x ** 2;
    varianceB += y ** 2;
  }
  const flat = FLAT ** 2 * a.length;
  if (varianceA < flat && varianceB < flat) return Math.abs(meanA - meanB) <= FLAT_DIFFERENCE;
  if (Math.min(varianceA, varianceB) < COPY_CONTRAST ** 2 * Math.max(varianceA, varianceB)) return false;
  return covariance >= COPY_CORRELATION * Math.sqrt(varianceA * varianceB);
}

function mean(values: Uint8Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
