/** The worker thread of `healthInThread`. */
import { taskData } from '../../platform/task-worker.js';
import { asThread } from '../../platform/thread.js';
import { type HealthFigures, type HealthTask, measureHealth } from './measure-drift.js';

const task = await taskData<HealthTask>();

await asThread<HealthFigures>(() => measureHealth(task));
