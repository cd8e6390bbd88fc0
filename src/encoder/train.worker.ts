/** The worker thread that `trainEncoder` starts: trains, reports, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { CommonspaceError } from '../domain/errors.js';
import type { TrainReply, TrainRequest } from './train-encoder.js';
import { trainInThisThread } from './trainer.js';

const { source, options } = workerData as TrainRequest;
const reply = (message: TrainReply, transfer: ArrayBuffer[] = []) =>
  parentPort?.postMessage(message, transfer);

try {
  const trained = await trainInThisThread(source, options, {
    onProgress: (progress) => reply({ kind: 'progress', progress }),
  });
  reply({ kind: 'done', trained });
} catch (error) {
  // An error that crosses threads loses its class: what is expected goes as a value, the rest as it comes.
  if (!(error instanceof CommonspaceError)) throw error;
  reply({ kind: 'failed', failure: error.toFailure() });
}
