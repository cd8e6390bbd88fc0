import { Worker } from 'node:worker_threads';
import { CommonspaceError, type Failure } from '../domain/errors.js';
import { workerEntry } from '../platform/worker-entry.js';
import { resolveTrainOptions } from './presets.js';
import { checkSource } from './source-checks.js';
import { CHECKPOINT_EVERY, type TrainHooks } from './train-hooks.js';
import type { Matrix, SourceSet, TrainedEncoder, TrainOptionsInput, TrainProgress } from './types.js';

export interface TrainRequest {
  readonly source: SourceSet;
  readonly options: TrainOptionsInput;
  readonly checkpoints: boolean;
  readonly checkpointEvery: number;
  readonly resumeFrom: Uint8Array | null;
}
export type TrainReply =
  /** The thread waits for any message as an answer. */
  | { readonly kind: 'checkpoint'; readonly bytes: Uint8Array }
  | { readonly kind: 'progress'; readonly progress: TrainProgress }
  | { readonly kind: 'done'; readonly trained: TrainedEncoder }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Trains an encoder in a worker thread, so that the caller's thread stays free. The caller keeps its data.
 *
 * Throws NO_PAIRS or BAD_INPUT on a source set, option or checkpoint that cannot work, BAD_MODEL on a checkpoint that is
 * damaged, CANCELLED when the signal is aborted: the
 * thread is then ended at once, whatever it is doing.
 */
export async function trainEncoder(
  source: SourceSet,
  input: TrainOptionsInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const { onProgress, signal, onCheckpoint } = hooks;
  const options = resolveTrainOptions(input);
  checkSource(source);
  if (signal?.aborted) throw cancelled(signal);

  const copy = copySource(source);
  const worker = new Worker(workerEntry(import.meta.url, 'train.worker'), {
    workerData: {
      source: copy,
      options,
      checkpoints: onCheckpoint !== undefined,
      checkpointEvery: hooks.checkpointEvery ?? CHECKPOINT_EVERY,
      resumeFrom: hooks.resumeFrom ?? null,
    } satisfies TrainRequest,
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
          case 'checkpoint':
            Promise.resolve(message.bytes)
              .then(onCheckpoint)
              .then(() => worker.postMessage('kept'))
              .catch(reject);
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
    ...source,
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
