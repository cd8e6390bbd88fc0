import { parentPort, workerData } from 'node:worker_threads';
import { loadEncoder } from '../encoder/serialise.js';
import { trainCca } from '../encoder/train-cca.js';
import type { EvaluationRequest } from './evaluate-in-thread.js';
import { compareOn } from './evaluation.js';

/** Fits the CCA baseline and ranks every held-out query, away from the thread that answers searches. */
const { encoderBytes, source, held, seed } = workerData as EvaluationRequest;
const encoder = loadEncoder(encoderBytes);
const cca = await trainCca(source, { seed, dimension: encoder.dimension });
parentPort?.postMessage(compareOn(held, encoder, cca.encoder));
