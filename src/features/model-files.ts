import { readFileSync } from 'node:fs';
import type { io } from '@tensorflow/tfjs-core';

/** The part of a tfjs `model.json` that we read ourselves; tfjs checks the rest. */
export interface ModelJson {
  readonly format?: string | null;
  readonly modelTopology: Record<string, unknown>;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly io.WeightsManifestEntry[];
  }[];
}

/** A handler that gives tfjs a model held in memory: `file://` works with the native backend only, and `http` not at all here. */
export function inMemory(model: ModelJson, weights: Uint8Array): io.IOHandler {
  // A copy of its own, because Node's small buffers share one larger ArrayBuffer.
  const weightData = weights.buffer.slice(
    weights.byteOffset,
    weights.byteOffset + weights.byteLength,
  ) as ArrayBuffer;
  const weightSpecs = model.weightsManifest.flatMap((group) => group.weights);
  return { load: async () => ({ modelTopology: model.modelTopology, weightSpecs, weightData }) };
}

/** Names of the weight files, in the order their bytes follow one another. */
export function weightFiles(model: ModelJson): string[] {
  return model.weightsManifest.flatMap((group) => group.paths);
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
