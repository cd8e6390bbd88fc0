import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { CommonspaceError } from '../../domain/errors.js';
import { badModel, reason } from '../model-files.js';
import { loadOnnxRuntime } from './packages.js';

/** A model's input: int64 tokens or float32 pixels. */
export type ModelInput =
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] };

export interface ModelOutput {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** A loaded ONNX graph. */
export interface Graph {
  readonly file: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The size of a dimension of an input where the graph fixes it; null where any size is taken. */
  fixedSize(input: string, dimension: number): number | null;
  /** Inputs in one run at most: 1 where the graph takes no more. */
  readonly mostAtOnce: number;
  /** The values of one output. @throws CommonspaceError EXTRACTOR_FAILED */
  run(inputs: Readonly<Record<string, ModelInput>>, output: string): Promise<ModelOutput>;
  release(): Promise<void>;
}

let open = 0;

/** Graphs of this thread that are loaded and not released. */
export function openGraphs(): number {
  return open;
}

/**
 * Loads a graph with one thread, because the pool has a thread for each core.
 *
 * @throws CommonspaceError PACKAGE_MISSING; BAD_MODEL if the graph cannot be loaded, e.g. because of an unknown operator, or if it
 *   takes several inputs and no other number of them
 */
export async function loadGraph(file: string): Promise<Graph> {
  const ort = await loadOnnxRuntime();
  const session: InferenceSession = await ort.InferenceSession.create(file, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Errors only: they are thrown, too. Warnings of the optimiser would go to stderr.
    logSeverityLevel: 4,
  }).catch((error: unknown) => {
    throw badModel(file, `cannot be loaded: ${reason(error)}`, error);
  });
  open += 1;
  const release = async (): Promise<void> => {
    open -= 1;
    await session.release();
  };
  const fixedSize = (input: string, dimension: number): number | null => {
    const metadata = session.inputMetadata.find(({ name }) => name === input);
    const size = metadata?.isTensor ? metadata.shape[dimension] : undefined;
    return typeof size === 'number' && size > 0 ? size : null;
  };
  const batch = fixedSize(session.inputNames[0] ?? '', 0);
  if (batch !== null && batch > 1) {
    await release();
    throw badModel(file, `takes exactly ${batch} inputs at once; export it for any number, or for one`);
  }
  return {
    file,
    inputs: session.inputNames,
    outputs: session.outputNames,
    fixedSize,
    mostAtOnce: batch ?? Number.POSITIVE_INFINITY,
    async run(inputs, output) {
      const feeds: Record<string, Tensor> = {};
      for (const [name, { type, data, dims }] of Object.entries(inputs)) {
        feeds[name] = new ort.Tensor(type, data, dims);
      }
      const results = await session.run(feeds, [output]).catch((error: unknown) => {
        throw new CommonspaceError('EXTRACTOR_FAILED', `${file}: cannot be run: ${reason(error)}.`, [], {
          cause: error,
        });
      });
      const result = results[output];
      if (result === undefined || result.type !== 'float32') {
        throw badModel(file, `its output ${output} is ${result?.type ?? 'missing'}, not float32`);
      }
      return { data: result.data as Float32Array, dims: result.dims };
    },
    release,
  };
}
