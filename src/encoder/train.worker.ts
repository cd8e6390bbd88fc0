/** The worker thread that `trainEncoder` starts: trains, reports, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { CommonspaceError } from '../domain/errors.js';
import { giveWay } from '../platform/thread-priority.js';
import type { TrainReply, TrainRequest } from './train-encoder.js';
import { trainInThisThread } from './trainer.js';

const { source, options, checkpoints, checkpointEvery, resumeFrom } = workerData as TrainRequest;
const reply = (message: TrainReply, transfer: ArrayBuffer[] = []) =>
  parentPort?.postMessage(message, transfer);

/** Gives a checkpoint away and waits until the other thread has kept it. */
async function onCheckpoint(bytes: Uint8Array): Promise<void> {
  const kept = new Promise((resolve) => parentPort?.once('message', resolve));
  reply({ kind: 'checkpoint', bytes }, [bytes.buffer as ArrayBuffer]);
  await kept;
}

giveWay();
try {
  const trained = await trainInThisThread(source, options, {
    onProgress: (progress) => reply({ kind: 'progress', progress }),
    checkpointEvery,
    ...(checkpoints && { onCheckpoint }),
    ...(resumeFrom && { resumeFrom }),
  });
  reply({ kind: 'done', trained });
} catch (error) {
  // An error that crosses threads loses its class: what is expected goes as a value, the rest as it comes.
  if (!(error instanceof CommonspaceError)) throw error;
  reply({ kind: 'failed', failure: error.toFailure() });
}
