import { readFileSync } from 'node:fs';
import type { io } from '@tensorflow/tfjs-core';
import { CommonspaceError } from '../domain/errors.js';

/** The fields of a tfjs `model.json` that this code reads. tfjs checks the others. */
export interface ModelJson {
  readonly format?: string | null;
  readonly modelTopology: Record<string, unknown>;
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly io.WeightsManifestEntry[];
  }[];
}

/** An IO handler for a model in memory. tfjs supports `file://` only with the native backend, and no server is available. */
export function inMemory(model: ModelJson, weights: Uint8Array): io.IOHandler {
  // Copied, because small buffers of Node share one larger ArrayBuffer.
  const weightData = weights.buffer.slice(
    weights.byteOffset,
    weights.byteOffset + weights.byteLength,
  ) as ArrayBuffer;
  const weightSpecs = model.weightsManifest.flatMap((group) => group.weights);
  return { load: async () => ({ modelTopology: model.modelTopology, weightSpecs, weightData }) };
}

/** Names of the weight files, in the order of their bytes. */
export function weightFiles(model: ModelJson): string[] {
  return model.weightsManifest.flatMap((group) => group.paths);
}

export function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

/** The JSON of a file of a model on disk. @throws CommonspaceError BAD_MODEL that names the file. */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw badModel(file, `cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badModel(file, `is not JSON: ${reason(error)}`, error);
  }
}

/** The first line of an error. */
export function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}

/** The error for a file of a model on disk, and the field at fault. */
export function badModel(
  file: string,
  what: string,
  cause?: unknown,
  field: readonly string[] = [],
): CommonspaceError {
  return new CommonspaceError('BAD_MODEL', `${file}: ${what}.`, field, { cause });
}
