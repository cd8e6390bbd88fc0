import { NO_CLASS, type Points } from './points.js';

/** Of the classes of the legend, in its order. They are told from each other on a light and on a dark ground. */
export const PALETTE: readonly (readonly [number, number, number])[] = [
  [66, 120, 200],
  [235, 125, 30],
  [40, 150, 80],
  [210, 60, 75],
  [140, 95, 200],
  [150, 95, 65],
  [225, 105, 180],
  [15, 155, 165],
  [190, 155, 20],
  [110, 150, 40],
  [90, 90, 220],
  [200, 90, 130],
];
const OTHERS = [128, 132, 145] as const;
const FULL = 215;
const DIM = 38;

export interface Shown {
  /** Null: both. */
  readonly modality: 0 | 1 | null;
  /** Classes of the legend that stand out; all if there is none. */
  readonly classes: ReadonlySet<number>;
  readonly selected: ReadonlySet<number>;
}

/** The colours of points: what is not selected or does not stand out is dim. */
export function coloursOf(points: Points, { modality, classes, selected }: Shown): Uint8Array {
  const out = new Uint8Array(4 * points.count);
  for (let i = 0; i < points.count; i += 1) {
    if (modality !== null && points.modalities[i] !== modality) continue;
    const of = points.classes[i] ?? NO_CLASS;
    const [red, green, blue] = PALETTE[of] ?? OTHERS;
    const stands = (classes.size === 0 || classes.has(of)) && (selected.size === 0 || selected.has(i));
    out.set([red, green, blue, stands ? FULL : DIM], 4 * i);
  }
  return out;
}
