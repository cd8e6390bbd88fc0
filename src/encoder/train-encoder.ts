import { Worker } from 'node:worker_threads';
import { CommonspaceError, type Failure } from '../domain/errors.js';
import { workerEntry } from '../platform/worker-entry.js';
import { resolveTrainOptions } from './presets.js';
import type { TrainHooks } from './trainer.js';
import { checkSource } from './training-data.js';
import type { Matrix, SourceSet, TrainedEncoder, TrainOptionsInput, TrainProgress } from './types.js';

export interface TrainRequest {
  readonly source: SourceSet;
  readonly options: TrainOptionsInput;
}
export type TrainReply =
  | { readonly kind: 'progress'; readonly progress: TrainProgress }
  | { readonly kind: 'done'; readonly trained: TrainedEncoder }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Trains an encoder in a worker thread, so that the caller's thread stays free. The caller keeps its data.
 *
 * Throws NO_PAIRS or BAD_INPUT on a source set or option that cannot work, CANCELLED when the signal is aborted: the
 * thread is then ended at once, whatever it is doing.
 */
export async function trainEncoder(
  source: SourceSet,
  input: TrainOptionsInput = {},
  { onProgress, signal }: TrainHooks = {},
): Promise<TrainedEncoder> {
  const options = resolveTrainOptions(input);
  checkSource(source);
  if (signal?.aborted) throw cancelled(signal);

  const copy = copySource(source);
  const worker = new Worker(workerEntry(import.meta.url, 'train.worker'), {
    workerData: { source: copy, options } satisfies TrainRequest,
    transferList: [copy.image, copy.text, copy.classEmbeddings].map(({ data }) => data.buffer as ArrayBuffer),
  });
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<TrainedEncoder>((resolve, reject) => {
      worker.on('message', (message: TrainReply) => {
        switch (message.kind) {
          case 'progress':
            onProgress?.(message.progress);
            break;
          case 'done':
            resolve(message.trained);
            break;
          case 'failed':
            reject(
              new CommonspaceError(message.failure.code, message.failure.message, message.failure.field),
            );
            break;
        }
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        reject(
          signal?.aborted ? cancelled(signal) : new Error(`the training thread ended with code ${code}`),
        );
      });
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}

/** Copies whose buffers can be handed over to the thread. */
function copySource(source: SourceSet): SourceSet {
  const copyOf = (matrix: Matrix): Matrix => ({ ...matrix, data: matrix.data.slice() });
  return {
    image: copyOf(source.image),
    text: copyOf(source.text),
    labels: source.labels.slice(),
    classNames: [...source.classNames],
    classEmbeddings: copyOf(source.classEmbeddings),
  };
}

function cancelled(signal: AbortSignal): CommonspaceError {
  return new CommonspaceError('CANCELLED', 'the training was cancelled', [], { cause: signal.reason });
}
