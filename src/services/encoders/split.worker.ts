/** The process of `splitPairs`. */
import { taskData } from '../../platform/task-worker.js';
import { asThread } from '../../platform/thread.js';
import { type SplitTask, type StoredSplit, splitInThisThread } from './split-pairs.js';

const task = await taskData<SplitTask>();

await asThread<StoredSplit>(() => splitInThisThread(task));
