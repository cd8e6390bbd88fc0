/** The worker thread of `measureInThread`. */
import { taskData } from '../platform/task-worker.js';
import { asThread } from '../platform/thread.js';
import { type Measured, type MeasureRequest, type MeasureStage, measure } from './measure.js';

const request = await taskData<MeasureRequest>();

await asThread<Measured, MeasureStage>(({ emit }) => measure(request, emit));
