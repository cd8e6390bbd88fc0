import { isMatrix, type RowFileRef } from '../domain/matrix.js';
import { inThread } from '../platform/thread.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { Measured, MeasureRequest, MeasureStage } from './measure.js';
import type { PairTable } from './pair-table.js';

/** A request whose measured pairs are in files, which the thread opens. */
type StoredRequest = Omit<MeasureRequest, 'seen' | 'unseen' | 'items'> & {
  readonly items: Omit<NonNullable<MeasureRequest['items']>, 'held'> & {
    readonly held: { readonly seen: PairTable<RowFileRef>; readonly unseen: PairTable<RowFileRef> };
  };
};
export type MeasureTask = MeasureRequest | StoredRequest;

export interface MeasureHooks {
  readonly onStage?: (stage: MeasureStage) => void;
  readonly signal?: AbortSignal;
}

/**
 * `measure` in a thread of its own, so that searches go on meanwhile; in a process of its own where the features are in files.
 *
 * @throws CommonspaceError CANCELLED when the signal is aborted: the thread is then ended at once.
 */
export async function measureInThread(
  request: MeasureTask,
  { onStage, signal }: MeasureHooks = {},
): Promise<Measured> {
  return await inThread<Measured, MeasureStage>(workerEntry(import.meta.url, 'measure.worker'), request, {
    what: 'The evaluation',
    isolated: !isMatrix(request.source.image),
    signal,
    onEvent: (stage) => onStage?.(stage),
  });
}
