/** The worker thread of `measureInThread`. */
import { workerData } from 'node:worker_threads';
import { asThread } from '../platform/thread.js';
import { type Measured, type MeasureRequest, type MeasureStage, measure } from './measure.js';

await asThread<Measured, MeasureStage>(({ emit }) => measure(workerData as MeasureRequest, emit));
