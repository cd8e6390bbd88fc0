import type { Place } from './view.js';

const CELLS_A_SIDE = 200;

/** Finds points by place: they are sorted into the cells of a grid. */
export class PointGrid {
  private readonly left: number;
  private readonly bottom: number;
  private readonly cell: number;
  /** Where each cell begins in `order`. */
  private readonly starts: Int32Array;
  private readonly order: Int32Array;

  constructor(private readonly positions: Float32Array) {
    let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
    const count = positions.length / 2;
    for (let i = 0; i < count; i += 1) {
      left = Math.min(left, this.x(i));
      right = Math.max(right, this.x(i));
      bottom = Math.min(bottom, this.y(i));
      top = Math.max(top, this.y(i));
    }
    this.left = left;
    this.bottom = bottom;
    this.cell = Math.max(right - left, top - bottom) / CELLS_A_SIDE || 1;
    const cells = new Int32Array(count);
    this.starts = new Int32Array(CELLS_A_SIDE * CELLS_A_SIDE + 1);
    for (let i = 0; i < count; i += 1) {
      const cell = this.row(this.y(i)) * CELLS_A_SIDE + this.column(this.x(i));
      cells[i] = cell;
      this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + 1;
    }
    for (let cell = 0; cell < CELLS_A_SIDE * CELLS_A_SIDE; cell += 1)
      this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + (this.starts[cell] ?? 0);
    const next = this.starts.slice();
    this.order = new Int32Array(count);
    for (let i = 0; i < count; i += 1) {
      const cell = cells[i] ?? 0;
      this.order[next[cell] ?? 0] = i;
      next[cell] = (next[cell] ?? 0) + 1;
    }
  }

  /** The nearest point within a radius that may be found; null without one. */
  nearest([x, y]: Place, radius: number, may: (index: number) => boolean): number | null {
    let best: number | null = null;
    let least = radius * radius;
    for (let row = this.row(y - radius); row <= this.row(y + radius); row += 1) {
      const begin = this.starts[row * CELLS_A_SIDE + this.column(x - radius)] ?? 0;
      const end = this.starts[row * CELLS_A_SIDE + this.column(x + radius) + 1] ?? 0;
      for (let k = begin; k < end; k += 1) {
        const i = this.order[k] ?? 0;
        const distance = (this.x(i) - x) ** 2 + (this.y(i) - y) ** 2;
        if (distance > least || !may(i)) continue;
        least = distance;
        best = i;
      }
    }
    return best;
  }

  private x(i: number): number {
    return this.positions[2 * i] ?? 0;
  }

  private y(i: number): number {
    return this.positions[2 * i + 1] ?? 0;
  }

  private column(x: number): number {
    return clamped((x - this.left) / this.cell);
  }

  private row(y: number): number {
    return clamped((y - this.bottom) / this.cell);
  }
}

/** The points within a closed outline that may be found, in their order. */
export function within(
  positions: Float32Array,
  outline: readonly Place[],
  may: (index: number) => boolean,
): number[] {
  const xs = outline.map(([x]) => x);
  const ys = outline.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [bottom, top] = [Math.min(...ys), Math.max(...ys)];
  const found: number[] = [];
  for (let i = 0; i < positions.length / 2; i += 1) {
    const x = positions[2 * i] ?? 0;
    const y = positions[2 * i + 1] ?? 0;
    if (x < left || x > right || y < bottom || y > top || !may(i)) continue;
    if (isWithin(outline, x, y)) found.push(i);
  }
  return found;
}

/** Whether a ray from the point crosses the outline an odd number of times. */
function isWithin(outline: readonly Place[], x: number, y: number): boolean {
  let inside = false;
  let [fromX, fromY] = outline.at(-1) ?? [0, 0];
  for (const [toX, toY] of outline) {
    if (fromY > y !== toY > y && x < ((fromX - toX) * (y - toY)) / (fromY - toY) + toX) inside = !inside;
    [fromX, fromY] = [toX, toY];
  }
  return inside;
}

function clamped(cell: number): number {
  return Math.min(CELLS_A_SIDE - 1, Math.max(0, Math.floor(cell)));
}
