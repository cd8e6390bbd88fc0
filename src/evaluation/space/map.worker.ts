/** The worker thread of `mapAxesInThread` and `layoutInThread`. */
import { taskData } from '../../platform/task-worker.js';
import { asThread } from '../../platform/thread.js';
import { fitMapAxes, type MapAxes } from './map-axes.js';
import type { MapTask } from './map-in-thread.js';
import { neighbourLayout } from './neighbour-layout.js';

const task = await taskData<MapTask>();

await asThread<MapAxes | Float32Array | null>(() =>
  task.kind === 'axes' ? fitMapAxes(task.sample) : neighbourLayout(task.sample, task.rows),
);
