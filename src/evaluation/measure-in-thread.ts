import { inThread } from '../platform/thread.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { Measured, MeasureRequest, MeasureStage } from './measure.js';

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
  return await inThread<Measured, MeasureStage>(workerEntry(import.meta.url, 'measure.worker'), request, {
    what: 'The evaluation',
    signal,
    onEvent: (stage) => onStage?.(stage),
  });
}
