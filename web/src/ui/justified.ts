/** Where a tile stands, in pixels from the top left corner of the grid. */
interface Place {
  readonly index: number;
  readonly left: number;
  readonly width: number;
}

/** Tiles beside each other, of the same height. */
export interface Row {
  readonly top: number;
  /** With the foot. */
  readonly height: number;
  readonly places: readonly Place[];
}

/** The highest and lowest ratio of width to height that a tile is given; the rest of a picture is cut off. */
const WIDEST = 3;
const NARROWEST = 0.5;
/** How much higher than wanted the tiles of the last row may be. */
const LAST_ROW = 1.2;

export interface JustifyOptions {
  /** Of all tiles of a row, in pixels. */
  readonly width: number;
  /** The height of a row without the foot that is aimed at. */
  readonly wanted: number;
  /** Between tiles and between rows. */
  readonly gap: number;
  /** Whether no tile follows. Else the last row is left out until it is full, so that no row that is seen changes. */
  readonly complete: boolean;
  /** Height of what stands below the picture of each tile. */
  readonly foot: number;
}

/**
 * Tiles in rows that fill the width, in their order, in their proportions. Adding tiles changes no row but an incomplete last one.
 *
 * @param ratios width divided by height of each tile, without its foot
 */
export function justify(
  ratios: readonly number[],
  { width, wanted, gap, complete, foot }: JustifyOptions,
): Row[] {
  const rows: Row[] = [];
  let top = 0;
  let from = 0;
  let sum = 0;
  const add = (to: number, last: boolean) => {
    const free = width - gap * (to - from - 1);
    const height = last ? Math.min(free / sum, wanted * LAST_ROW) : free / sum;
    let left = 0;
    const places = ratios.slice(from, to).map((ratio, i) => {
      const place = { index: from + i, left, width: clamp(ratio) * height };
      left += place.width + gap;
      return place;
    });
    rows.push({ top, height: height + foot, places });
    top += height + foot + gap;
    from = to;
    sum = 0;
  };
  for (const [index, ratio] of ratios.entries()) {
    sum += clamp(ratio);
    if (sum * wanted >= width - gap * (index - from)) add(index + 1, false);
  }
  if (complete && from < ratios.length) add(ratios.length, true);
  return rows;
}

/** The height of all rows. */
export function heightOf(rows: readonly Row[]): number {
  const last = rows.at(-1);
  return last === undefined ? 0 : last.top + last.height;
}

/** The index of the row at this height: the last one that begins at or above it; 0 above the first. */
export function rowAt(rows: readonly Row[], y: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((rows[middle]?.top ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The tile of a neighbouring row that is closest to this one; null beyond the first and the last row. */
export function neighbour(rows: readonly Row[], index: number, step: 1 | -1): number | null {
  const at = rows.findIndex(({ places }) => places.some((place) => place.index === index));
  const place = rows[at]?.places.find((one) => one.index === index);
  const next = rows[at + step];
  if (place === undefined || next === undefined) return null;
  const centre = place.left + place.width / 2;
  const distance = ({ left, width }: Place) => Math.abs(left + width / 2 - centre);
  return next.places.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
}

function clamp(ratio: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
}
