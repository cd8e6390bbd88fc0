import type { Pixels } from '../types.js';

/**
 * Resamples an image to `size` × `size` pixels by averaging the area under each new pixel. Enlarging repeats pixels. An image
 * of that size is returned unchanged. Input and output are interleaved RGB.
 */
export function areaResample(image: Pixels, size: number): Uint8Array {
  const { data, width, height } = image;
  if (width === size && height === size) return data;
  const rows = spans(height, size);
  const columns = spans(width, size);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    const top = rows[2 * y] as number;
    const bottom = rows[2 * y + 1] as number;
    for (let x = 0; x < size; x += 1) {
      const left = columns[2 * x] as number;
      const right = columns[2 * x + 1] as number;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let v = top; v < bottom; v += 1) {
        for (let at = (v * width + left) * 3, end = (v * width + right) * 3; at < end; at += 3) {
          red += data[at] as number;
          green += data[at + 1] as number;
          blue += data[at + 2] as number;
        }
      }
      const area = (bottom - top) * (right - left);
      const to = (y * size + x) * 3;
      out[to] = Math.round(red / area);
      out[to + 1] = Math.round(green / area);
      out[to + 2] = Math.round(blue / area);
    }
  }
  return out;
}

/** For each of `to` new indices, the range [start, end) of source indices, as pairs. A range is never empty. */
function spans(from: number, to: number): Int32Array {
  const out = new Int32Array(2 * to);
  for (let i = 0; i < to; i += 1) {
    const start = Math.floor((i * from) / to);
    out[2 * i] = start;
    out[2 * i + 1] = Math.max(start + 1, Math.floor(((i + 1) * from) / to));
  }
  return out;
}
