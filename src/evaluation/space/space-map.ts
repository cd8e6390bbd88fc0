/** Two maps of a sample of the space's points: its principal plane, and t-SNE. */
import type { RetrievalSide } from '../../domain/metrics.js';
import type { Modality } from '../../domain/modality.js';
import { dot } from '../../domain/vectors.js';
import { gather, rowOf } from '../../encoder/math/matrix.js';
import { createRandom, shuffle } from '../../encoder/math/random.js';
import { principalPlane } from './principal-plane.js';
import type { MapPoint, SpaceMap } from './space-details.js';
import { tsne } from './t-sne.js';

/** The most points of each modality. The time of t-SNE grows with their square; 2 · 450 take about two seconds. */
const MAP_POINTS_A_SIDE = 450;
const PERPLEXITY = 30;
const TSNE_ITERATIONS = 400;
/** Fewer points are too few for t-SNE. */
const FEWEST_FOR_TSNE = 12;
const DIGITS = 1e4;

export function spaceMap(
  image: RetrievalSide,
  text: RetrievalSide,
  classNames: readonly string[],
  seed: number,
): SpaceMap {
  const images = drawRows(image, seed, new Set());
  const texts = drawRows(text, seed, new Set(Array.from(images, (row) => image.pairs[row] as number)));
  const sides = [
    { side: image, modality: 'IMAGE' as const, rows: images },
    { side: text, modality: 'TEXT' as const, rows: texts },
  ];
  const embeddings = sides.flatMap(({ side, rows }) =>
    Array.from(rows, (row) => rowOf(side.embeddings, row)),
  );
  const of = image.embeddings.rows + text.embeddings.rows;
  if (embeddings.length === 0) return { points: [], explained: 1, perplexity: null, of };

  const plane = principalPlane(gather(embeddings), seed);
  const perplexity =
    embeddings.length < FEWEST_FOR_TSNE
      ? null
      : Math.min(PERPLEXITY, Math.floor((embeddings.length - 1) / 3));
  const near =
    perplexity === null
      ? null
      : toUnitSquare(
          tsne(squaredDistances(embeddings), plane.points, { perplexity, iterations: TSNE_ITERATIONS }),
        );
  const points = sides
    .flatMap(({ side, modality, rows }) =>
      Array.from(rows, (row) => pointOf(side, modality, row, classNames)),
    )
    .map((point, i) => ({ ...point, pca: rounded(plane.points[i] ?? [0, 0]), tsne: near?.[i] ?? null }));
  return { points, explained: plane.explained, perplexity, of };
}

function pointOf(side: RetrievalSide, modality: Modality, row: number, classNames: readonly string[]) {
  const pair = side.pairs[row] as number;
  return {
    modality,
    row,
    class: classNames[side.classes[row] as number] ?? null,
    pair: pair < 0 ? null : pair,
  } satisfies Partial<MapPoint>;
}

/** A sample of rows by the seed, ascending; rows of the wanted pairs are taken first. */
function drawRows(side: RetrievalSide, seed: number, wanted: ReadonlySet<number>): Int32Array {
  const all = shuffle(
    Int32Array.from({ length: side.embeddings.rows }, (_, i) => i),
    createRandom(seed, 305),
  );
  const isWanted = (row: number) => (side.pairs[row] as number) >= 0 && wanted.has(side.pairs[row] as number);
  const ordered = [...all.filter(isWanted), ...all.filter((row) => !isWanted(row))];
  return Int32Array.from(ordered.slice(0, MAP_POINTS_A_SIDE)).sort();
}

/** Squared distances of unit vectors: 2 − 2 cos. */
function squaredDistances(rows: readonly Float32Array[]): Float32Array {
  const n = rows.length;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const distance = Math.max(0, 2 - 2 * dot(rows[i] as Float32Array, rows[j] as Float32Array));
      out[i * n + j] = distance;
      out[j * n + i] = distance;
    }
  }
  return out;
}

/** Scaled into 0 … 1 with the same factor for both axes. */
function toUnitSquare(
  points: readonly (readonly [number, number])[],
): readonly (readonly [number, number])[] {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(right - left, high - low) || 1;
  return points.map(([x, y]) =>
    rounded([0.5 + (x - (left + right) / 2) / size, 0.5 + (y - (low + high) / 2) / size]),
  );
}

function rounded([x, y]: readonly [number, number]): readonly [number, number] {
  return [Math.round(x * DIGITS) / DIGITS, Math.round(y * DIGITS) / DIGITS];
}
