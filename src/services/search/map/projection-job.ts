import { z } from 'zod';
import type { Catalog } from '../../../catalog/catalog.js';
import type { MapBounds } from '../../../catalog/vectors/map-points.js';
import type { EmbeddedItem } from '../../../catalog/vectors/query-samples.js';
import { CommonspaceError, throwIfCancelled } from '../../../domain/errors.js';
import type { Matrix } from '../../../domain/matrix.js';
import { MODALITIES } from '../../../domain/modality.js';
import { onAxes } from '../../../evaluation/space/map-axes.js';
import { layoutInThread, mapAxesInThread } from '../../../evaluation/space/map-in-thread.js';
import type { JobKind } from '../../jobs/job-kind.js';

/** Items that t-SNE places. Its time grows with their square; 2500 take about 20 seconds. */
const SAMPLE = 2_500;
/** Points that are stored by one statement. */
const POINTS_AT_ONCE = 2_000;

const parameters = z.object({ encoderId: z.uuid() });
type Parameters = z.output<typeof parameters>;
type Parts = Pick<Catalog, 'encoders' | 'querySamples' | 'vectors' | 'mapPoints'>;

/** Points with the items that they belong to. */
interface Points {
  readonly ids: readonly string[];
  /** [ids.length, k] */
  readonly coordinates: Matrix;
}

/**
 * The map of an encoder, as a job. The principal plane is shown as soon as all items are read; the layout by neighbours replaces it. Memory
 * holds 32 numbers an item, and no vector.
 */
export function projectionJob(catalog: Parts): JobKind<Parameters> {
  return {
    name: 'PROJECTION',
    slot: 'short',
    scope: 'train',
    parameters,
    async run({ encoderId }, { signal, advance }) {
      const row = await catalog.encoders.byId(encoderId);
      if (row?.dimension == null) {
        throw new CommonspaceError('ENCODER_NOT_FOUND', 'There is no trained encoder with this id.');
      }
      const sample = await sampleOf(catalog, encoderId, row.dimension);
      const axes = await mapAxesInThread(sample, signal);
      const parts: Points[] = [];
      for (const modality of MODALITIES) {
        for await (const { ids, matrix } of catalog.vectors.embeddingsOf(encoderId, modality)) {
          throwIfCancelled(signal);
          parts.push({ ids, coordinates: onAxes(matrix, axes) });
        }
      }
      const points = joined(parts, axes.axes.rows);
      const plane = await catalog.mapPoints.begin(encoderId, 'PCA', axes.explained);
      await store(catalog, plane, points.ids, firstTwo(points.coordinates), signal);
      const total = points.ids.length;
      await advance({ position: null, total, done: 0, failed: 0, skipped: 0 });
      const positions = await layoutInThread(onAxes(sample, axes), points.coordinates, signal);
      if (positions !== null) {
        const near = await catalog.mapPoints.begin(encoderId, 'NEIGHBOURS', axes.explained);
        await store(catalog, near, points.ids, positions, signal);
      }
      await advance({ position: null, total, done: total, failed: 0, skipped: 0 });
      return `${total} items are on the map.`;
    },
  };
}

/** Embeddings of items as if drawn at random, as many of each modality as there are. */
async function sampleOf(catalog: Parts, encoderId: string, dimension: number): Promise<Matrix> {
  const read = MODALITIES.map((modality) => catalog.querySamples.items(encoderId, modality, null, SAMPLE));
  const [images = [], texts = []] = await Promise.all(read);
  const half = SAMPLE / 2;
  const drawn: EmbeddedItem[] = [
    ...images.slice(0, Math.max(half, SAMPLE - texts.length)),
    ...texts.slice(0, Math.max(half, SAMPLE - images.length)),
  ];
  const data = new Float32Array(drawn.length * dimension);
  drawn.forEach(({ vector }, i) => {
    data.set(vector, i * dimension);
  });
  return { data, rows: drawn.length, columns: dimension };
}

async function store(
  catalog: Parts,
  projectionId: string,
  ids: readonly string[],
  positions: Float32Array,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < ids.length; at += POINTS_AT_ONCE) {
    throwIfCancelled(signal);
    const end = Math.min(at + POINTS_AT_ONCE, ids.length);
    await catalog.mapPoints.add(projectionId, ids.slice(at, end), positions.subarray(2 * at, 2 * end));
  }
  await catalog.mapPoints.complete(projectionId, boundsOf(positions));
}

function joined(parts: readonly Points[], columns: number): Points {
  const rows = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const data = new Float32Array(rows * columns);
  let at = 0;
  for (const { coordinates } of parts) {
    data.set(coordinates.data, at);
    at += coordinates.data.length;
  }
  return { ids: parts.flatMap(({ ids }) => ids), coordinates: { data, rows, columns } };
}

function firstTwo({ data, rows, columns }: Matrix): Float32Array {
  return Float32Array.from({ length: 2 * rows }, (_, i) =>
    i % 2 < columns ? (data[(i >> 1) * columns + (i % 2)] as number) : 0,
  );
}

function boundsOf(positions: Float32Array): MapBounds {
  if (positions.length === 0) return { left: 0, right: 0, bottom: 0, top: 0 };
  let [left, right, bottom, top] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < positions.length; i += 2) {
    const [x, y] = [positions[i] as number, positions[i + 1] as number];
    left = Math.min(left, x);
    right = Math.max(right, x);
    bottom = Math.min(bottom, y);
    top = Math.max(top, y);
  }
  return { left, right, bottom, top };
}
