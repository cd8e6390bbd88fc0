import type { Hit } from '../types.js';
import type { Rows } from './vector-rows.js';

/** Vectors of unit length in this process's memory, by ascending item id: row i is that of `ids[i]`. */
export interface VectorCopy {
  readonly ids: readonly string[];
  readonly vectors: Rows;
}

/** The items that share a pair with items of a copy, by ascending id. */
export interface Counterparts {
  readonly ids: readonly string[];
  /** Rows of the copy: those of `ids[i]` are `rows[starts[i]]` to `rows[starts[i + 1] - 1]`, at least one. */
  readonly starts: Int32Array;
  readonly rows: Int32Array;
}

/** One vector with its item and, if any, that item's counterparts, as pairs of ids. */
export interface CounterpartLink {
  readonly source: string;
  readonly target: string;
}

/** Groups links by their targets; links of sources that the copy has no vector of do not count. */
export function groupCounterparts(ids: readonly string[], links: readonly CounterpartLink[]): Counterparts {
  const rowById = new Map(ids.map((id, row) => [id, row]));
  const rowsOf = new Map<string, number[]>();
  for (const { source, target } of links) {
    const row = rowById.get(source);
    if (row === undefined) continue;
    const rows = rowsOf.get(target);
    if (rows === undefined) rowsOf.set(target, [row]);
    else rows.push(row);
  }
  const targets = [...rowsOf].sort(([a], [b]) => (a < b ? -1 : 1));
  const starts = new Int32Array(targets.length + 1);
  targets.forEach(([, rows], i) => {
    starts[i + 1] = (starts[i] as number) + rows.length;
  });
  return {
    ids: targets.map(([id]) => id),
    starts,
    rows: Int32Array.from(targets.flatMap(([, rows]) => rows)),
  };
}

/** The similarity of each counterpart: that of the closest of its rows. */
export function bestOfEach({ ids, starts, rows }: Counterparts, similarity: Float32Array): Float32Array {
  const best = new Float32Array(ids.length);
  for (let i = 0; i < best.length; i += 1) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let k = starts[i] as number; k < (starts[i + 1] as number); k += 1)
      highest = Math.max(highest, similarity[rows[k] as number] as number);
    best[i] = highest;
  }
  return best;
}

/** The first `count` by similarity descending, then id ascending; `ids` ascend. */
export function closest(ids: readonly string[], similarity: Float32Array, count: number): Hit[] {
  const rows = highest(similarity, Math.min(count, ids.length));
  return Array.from(rows, (row) => ({
    id: ids[row] as string,
    similarity: Math.min(1, Math.max(-1, similarity[row] as number)),
  }));
}

const BINS = 1024;

/** The places of at least the `count` highest values, in order, without most of the others: those in the highest bins. */
function candidates(values: Float32Array, count: number): Int32Array {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let place = 0; place < values.length; place += 1) {
    const value = values[place] as number;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const scale = most > least ? (BINS - 1) / (most - least) : 0;
  const sizes = new Int32Array(BINS);
  const binOf = new Uint16Array(values.length);
  for (let place = 0; place < values.length; place += 1) {
    const bin = ((values[place] as number) - least) * scale;
    binOf[place] = bin;
    sizes[bin | 0] = (sizes[bin | 0] as number) + 1;
  }
  let lowest = BINS;
  let size = 0;
  while (size < count && lowest > 0) {
    lowest -= 1;
    size += sizes[lowest] as number;
  }
  const places = new Int32Array(size);
  let at = 0;
  for (let place = 0; place < values.length && at < size; place += 1) {
    if ((binOf[place] as number) < lowest) continue;
    places[at] = place;
    at += 1;
  }
  return places;
}

/** Places of the `count` highest values, highest first, equal ones in the order of their places. */
function highest(values: Float32Array, count: number): Int32Array {
  const places = candidates(values, count);
  const heap = places.slice(0, count);
  const before = (a: number, b: number) => {
    const difference = (values[a] as number) - (values[b] as number);
    return difference > 0 || (difference === 0 && a < b);
  };
  // A heap of the best so far with the last of them on top, so that most values are compared with one alone.
  const sink = (place: number, top: number, size: number) => {
    let at = top;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && before(heap[child] as number, heap[child + 1] as number)) child += 1;
      if (!before(place, heap[child] as number)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = place;
  };
  for (let top = (count >> 1) - 1; top >= 0; top -= 1) sink(heap[top] as number, top, count);
  for (let i = count; i < places.length && count > 0; i += 1) {
    const place = places[i] as number;
    if (before(place, heap[0] as number)) sink(place, 0, count);
  }
  for (let size = count - 1; size > 0; size -= 1) {
    const last = heap[0] as number;
    const moved = heap[size] as number;
    sink(moved, 0, size);
    heap[size] = last;
  }
  return heap;
}
