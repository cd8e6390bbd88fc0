/** The worker thread of `trainEncoder`. */
import { taskData } from '../../platform/task-worker.js';
import { asThread } from '../../platform/thread.js';
import type { TrainedEncoder } from '../types.js';
import { openSource } from './stored-source.js';
import type { TrainEvent, TrainWorkerInput } from './train-encoder.js';
import { trainInThisThread } from './trainer.js';

const { source, options, checkpoints, checkpointEvery, resumeFrom, warmStart } =
  await taskData<TrainWorkerInput>();

await asThread<TrainedEncoder, TrainEvent>(({ emit, emitAndWait }) =>
  trainInThisThread(openSource(source), options, {
    onProgress: (progress) => emit({ kind: 'progress', progress }),
    checkpointEvery,
    ...(checkpoints && {
      onCheckpoint: (bytes: Uint8Array) =>
        emitAndWait({ kind: 'checkpoint', bytes }, [bytes.buffer as ArrayBuffer]),
    }),
    ...(resumeFrom && { resumeFrom }),
    ...(warmStart && { warmStart }),
  }),
);
