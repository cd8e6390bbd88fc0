import { Worker } from 'node:worker_threads';
import { CommonspaceError, type Failure, throwIfCancelled } from '../../domain/errors.js';
import { workerEntry } from '../../platform/worker-entry.js';
import type { Measured, MeasureRequest, MeasureStage } from './measure.js';

export type MeasureReply =
  | { readonly kind: 'stage'; readonly stage: MeasureStage }
  | { readonly kind: 'done'; readonly measured: Measured }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface MeasureHooks {
  readonly onStage?: (stage: MeasureStage) => void;
  readonly signal?: AbortSignal;
}

/**
 * `measure` in a thread of its own, so that searches go on meanwhile.
 *
 * @throws CommonspaceError CANCELLED when the signal is aborted: the thread is then ended at once.
 */
export async function measureInThread(
  request: MeasureRequest,
  { onStage, signal }: MeasureHooks = {},
): Promise<Measured> {
  throwIfCancelled(signal);
  const worker = new Worker(workerEntry(import.meta.url, 'measure.worker'), { workerData: request });
  const onAbort = () => void worker.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await new Promise<Measured>((resolve, reject) => {
      worker.on('message', (message: MeasureReply) => {
        switch (message.kind) {
          case 'stage':
            onStage?.(message.stage);
            break;
          case 'done':
            resolve(message.measured);
            break;
          case 'failed':
            reject(
              new CommonspaceError(message.failure.code, message.failure.message, message.failure.field),
            );
            break;
        }
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(
          signal?.aborted
            ? new CommonspaceError('CANCELLED', 'The evaluation was cancelled.')
            : new Error(`the evaluation thread ended with code ${code}`),
        ),
      );
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
