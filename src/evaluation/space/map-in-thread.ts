import type { Matrix } from '../../domain/matrix.js';
import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import type { MapAxes } from './map-axes.js';

/** What the thread computes: the axes of a sample, or where points are by their neighbours. */
export type MapTask =
  | { readonly kind: 'axes'; readonly sample: Matrix }
  | { readonly kind: 'layout'; readonly sample: Matrix; readonly rows: Matrix };

/** `fitMapAxes` in a thread. @throws CommonspaceError CANCELLED when the signal is aborted */
export async function mapAxesInThread(sample: Matrix, signal?: AbortSignal): Promise<MapAxes> {
  return await run<MapAxes>({ kind: 'axes', sample }, signal);
}

/** `neighbourLayout` in a process of its own, which needs 16 bytes for each pair of sampled items. */
export async function layoutInThread(
  sample: Matrix,
  rows: Matrix,
  signal?: AbortSignal,
): Promise<Float32Array | null> {
  return await run<Float32Array | null>({ kind: 'layout', sample, rows }, signal);
}

async function run<Result>(task: MapTask, signal: AbortSignal | undefined): Promise<Result> {
  return await inThread<Result>(workerEntry(import.meta.url, 'map.worker'), task, {
    what: 'The map',
    isolated: task.kind === 'layout',
    signal,
  });
}
