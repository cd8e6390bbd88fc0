import { throwIfCancelled } from '../../domain/errors.js';
import type { RowFileRef } from '../../domain/matrix.js';
import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import { isMatrix, type Matrix } from '../math/matrix.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput, TrainProgress } from '../types.js';
import { resolveTrainOptions } from './presets.js';
import { checkSource } from './source-checks.js';
import { CHECKPOINT_EVERY, type TrainHooks } from './train-hooks.js';
import type { WarmStart } from './warm-start.js';

/** The input of the worker thread. */
export interface TrainWorkerInput {
  readonly source: SourceSet<Matrix | RowFileRef, Matrix | RowFileRef>;
  readonly options: TrainOptionsInput;
  readonly checkpoints: boolean;
  readonly checkpointEvery: number;
  readonly resumeFrom: Uint8Array | null;
  readonly warmStart: WarmStart | null;
}

/** A message of the worker thread. */
export type TrainEvent =
  /** The thread waits until the checkpoint is stored. */
  | { readonly kind: 'checkpoint'; readonly bytes: Uint8Array }
  | { readonly kind: 'progress'; readonly progress: TrainProgress };

/**
 * Trains an encoder in a worker thread, so that the caller's thread stays free. A source set in memory is copied. With files of
 * rows, the training has a process of its own, which opens them; what it makes of them is beside them until it ends.
 *
 * @throws CommonspaceError NO_PAIRS or BAD_INPUT if the source set, an option or the checkpoint cannot be used; BAD_MODEL if
 *   the checkpoint is damaged; BAD_ROWS if a file of rows is incomplete or was changed; DISK_FULL; CANCELLED if the signal is aborted, which ends the
 *   training immediately
 */
export async function trainEncoder(
  source: SourceSet<Matrix | RowFileRef, Matrix | RowFileRef>,
  input: TrainOptionsInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const { onProgress, signal, onCheckpoint } = hooks;
  const options = resolveTrainOptions(input);
  checkSource(source);
  throwIfCancelled(signal);
  // Features in files are those of a catalogue, whose server goes on meanwhile.
  const isolated = !isMatrix(source.image);
  // What a process gets is copied on the way.
  const own = isolated ? source : copySource(source);
  const request: TrainWorkerInput = {
    source: own,
    options,
    checkpoints: onCheckpoint !== undefined,
    checkpointEvery: hooks.checkpointEvery ?? CHECKPOINT_EVERY,
    resumeFrom: hooks.resumeFrom ?? null,
    warmStart: hooks.warmStart ?? null,
  };
  return await inThread<TrainedEncoder, TrainEvent>(workerEntry(import.meta.url, 'train.worker'), request, {
    what: 'The training',
    signal,
    isolated,
    transfer: (isolated
      ? []
      : [own.image, own.text, own.classEmbeddings, ...(own.furtherTexts ? [own.furtherTexts.features] : [])]
    ).flatMap((rows) => (isMatrix(rows) ? [rows.data.buffer as ArrayBuffer] : [])),
    async onEvent(event, answer) {
      if (event.kind === 'progress') return onProgress?.(event.progress);
      await onCheckpoint?.(event.bytes);
      answer();
    },
  });
}

/** A copy whose buffers can be transferred to the thread. */
function copySource(
  source: SourceSet<Matrix | RowFileRef, Matrix | RowFileRef>,
): SourceSet<Matrix | RowFileRef, Matrix | RowFileRef> {
  const copyOf = (matrix: Matrix): Matrix => ({ ...matrix, data: matrix.data.slice() });
  const featuresOf = (rows: Matrix | RowFileRef) => (isMatrix(rows) ? copyOf(rows) : rows);
  return {
    ...source,
    image: featuresOf(source.image),
    text: featuresOf(source.text),
    labels: source.labels.slice(),
    ...(source.groups && { groups: source.groups.slice() }),
    classNames: [...source.classNames],
    classEmbeddings: copyOf(source.classEmbeddings),
    ...(source.furtherTexts && {
      furtherTexts: { ...source.furtherTexts, features: featuresOf(source.furtherTexts.features) },
    }),
  };
}
