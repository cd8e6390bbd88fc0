import type { Pixels } from '../types.js';
import { joinUnit } from '../vectors.js';
import { areaResample } from './resample.js';

/** Size of the image for both parts, in pixels. Other sizes are resampled to it. */
export const HSV_HOG_SIZE = 64;

const COLOUR_GRID = 4;
const HUES = 6;
const SATURATIONS = 2;
const GREYS = 3;
const COLOUR_BINS = GREYS + HUES * SATURATIONS;
const COLOUR_DIMENSION = COLOUR_GRID * COLOUR_GRID * COLOUR_BINS;
/** Pixels with a lower saturation or value count as grey, because their hue is noise. */
const CHROMATIC = 0.15;

const CELL = 8;
const CELLS = HSV_HOG_SIZE / CELL;
const ORIENTATIONS = 9;
const SHAPE_DIMENSION = CELLS * CELLS * ORIENTATIONS;
/** Prevents that normalisation amplifies the noise of a region without edges; in units of gradient magnitude. */
const ENERGY_FLOOR = 200;
/** Upper bound of a value, so that one strong edge does not dominate its neighbourhood. */
const CLIP = 1.5;

/** Weight of colour in the cosine of two features; the rest is shape. Measured, see docs/decisions/0004-features.md. */
const COLOUR_WEIGHT = 0.4;

export const HSV_HOG_DIMENSION = COLOUR_DIMENSION + SHAPE_DIMENSION;

/**
 * Colour and shape features without trained weights: a histogram over hue and saturation in each of 4×4 regions, and a
 * histogram of oriented gradients in 8×8 cells, each normalised by the energy of the cells around it
 * (Dalal and Triggs, CVPR 2005, with 3×3 neighbourhoods instead of overlapping blocks).
 *
 * @returns [816], unit length.
 */
export function hsvHog(image: Pixels): Float32Array {
  const rgb = areaResample(image, HSV_HOG_SIZE);
  return joinUnit([
    { part: colourHistogram(rgb), weight: COLOUR_WEIGHT },
    { part: orientedGradients(rgb), weight: 1 - COLOUR_WEIGHT },
  ]);
}

/** [240]: square roots of counts, so that the cosine compares distributions (Hellinger). */
function colourHistogram(rgb: Uint8Array): Float32Array {
  const counts = new Float32Array(COLOUR_DIMENSION);
  const cell = HSV_HOG_SIZE / COLOUR_GRID;
  for (let y = 0, at = 0; y < HSV_HOG_SIZE; y += 1) {
    const row = Math.floor(y / cell) * COLOUR_GRID;
    for (let x = 0; x < HSV_HOG_SIZE; x += 1, at += 3) {
      const region = (row + Math.floor(x / cell)) * COLOUR_BINS;
      const bin = region + colourBin(rgb[at] as number, rgb[at + 1] as number, rgb[at + 2] as number);
      counts[bin] = (counts[bin] as number) + 1;
    }
  }
  for (let i = 0; i < COLOUR_DIMENSION; i += 1) counts[i] = Math.sqrt(counts[i] as number);
  return counts;
}

/** Bins: greys by value, then hues by saturation. */
function colourBin(red: number, green: number, blue: number): number {
  const high = Math.max(red, green, blue);
  const range = high - Math.min(red, green, blue);
  const value = high / 255;
  const saturation = high === 0 ? 0 : range / high;
  if (saturation <= CHROMATIC || value <= CHROMATIC) return Math.min(GREYS - 1, Math.floor(value * GREYS));
  let hue: number;
  if (high === red) hue = ((green - blue) / range + 6) % 6;
  else if (high === green) hue = (blue - red) / range + 2;
  else hue = (red - green) / range + 4;
  const hueBin = Math.min(HUES - 1, Math.floor((hue / 6) * HUES));
  const saturationBin = Math.min(SATURATIONS - 1, Math.floor(saturation * SATURATIONS));
  return GREYS + hueBin * SATURATIONS + saturationBin;
}

/** [576]: for each cell the gradient magnitude by orientation: nine bins over 180°, interpolated between the two nearest. */
function orientedGradients(rgb: Uint8Array): Float32Array {
  const size = HSV_HOG_SIZE;
  const luma = new Float32Array(size * size);
  for (let i = 0, at = 0; i < luma.length; i += 1, at += 3) {
    luma[i] = 0.299 * (rgb[at] as number) + 0.587 * (rgb[at + 1] as number) + 0.114 * (rgb[at + 2] as number);
  }
  const cells = new Float32Array(SHAPE_DIMENSION);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const at = y * size + x;
      const dx = x === 0 || x === size - 1 ? 0 : (luma[at + 1] as number) - (luma[at - 1] as number);
      const dy = y === 0 || y === size - 1 ? 0 : (luma[at + size] as number) - (luma[at - size] as number);
      if (dx === 0 && dy === 0) continue;
      const magnitude = Math.sqrt(dx * dx + dy * dy);
      const position = ((Math.atan2(dy, dx) / Math.PI + 1) % 1) * ORIENTATIONS - 0.5;
      const lower = Math.floor(position);
      const share = position - lower;
      const cell = (Math.floor(y / CELL) * CELLS + Math.floor(x / CELL)) * ORIENTATIONS;
      const first = cell + ((lower + ORIENTATIONS) % ORIENTATIONS);
      const second = cell + ((lower + 1) % ORIENTATIONS);
      cells[first] = (cells[first] as number) + magnitude * (1 - share);
      cells[second] = (cells[second] as number) + magnitude * share;
    }
  }
  return normaliseByNeighbours(cells);
}

/** Divides each cell by the root of the mean energy of the 3×3 cells around it; cells outside the image have none. */
function normaliseByNeighbours(cells: Float32Array): Float32Array {
  const energy = new Float32Array(CELLS * CELLS);
  for (let i = 0; i < cells.length; i += 1) {
    const cell = Math.floor(i / ORIENTATIONS);
    energy[cell] = (energy[cell] as number) + (cells[i] as number) ** 2;
  }
  const out = new Float32Array(cells.length);
  for (let row = 0; row < CELLS; row += 1) {
    for (let column = 0; column < CELLS; column += 1) {
      let around = 0;
      for (let y = Math.max(0, row - 1); y <= Math.min(CELLS - 1, row + 1); y += 1) {
        for (let x = Math.max(0, column - 1); x <= Math.min(CELLS - 1, column + 1); x += 1) {
          around += energy[y * CELLS + x] as number;
        }
      }
      const scale = 1 / Math.sqrt(around / 9 + ENERGY_FLOOR ** 2);
      const from = (row * CELLS + column) * ORIENTATIONS;
      for (let i = from; i < from + ORIENTATIONS; i += 1)
        out[i] = Math.min(CLIP, (cells[i] as number) * scale);
    }
  }
  return out;
}
