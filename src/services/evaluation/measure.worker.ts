/** The worker thread that `measureInThread` starts: fits the baselines, ranks every query, reports, ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { CommonspaceError } from '../../domain/errors.js';
import { giveWay } from '../../platform/thread-priority.js';
import { type MeasureRequest, measure } from './measure.js';
import type { MeasureReply } from './measure-in-thread.js';

const reply = (message: MeasureReply) => parentPort?.postMessage(message);

giveWay();
try {
  const measured = await measure(workerData as MeasureRequest, (stage) => reply({ kind: 'stage', stage }));
  reply({ kind: 'done', measured });
} catch (error) {
  // An error that crosses threads loses its class: what is expected goes as a value, the rest as it comes.
  if (!(error instanceof CommonspaceError)) throw error;
  reply({ kind: 'failed', failure: error.toFailure() });
}
