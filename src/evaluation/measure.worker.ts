/** The worker thread of `measureInThread`. */
import { taskData } from '../platform/task-worker.js';
import { asThread } from '../platform/thread.js';
import { type Measured, type MeasureRequest, type MeasureStage, measure } from './measure.js';
import type { MeasureTask } from './measure-in-thread.js';
import { partOfTable } from './measured-part.js';
import { openTable } from './pair-table.js';

const task = await taskData<MeasureTask>();

await asThread<Measured, MeasureStage>(({ emit }) => measure(opened(task), emit));

function opened(task: MeasureTask): MeasureRequest {
  if ('seen' in task) return task;
  const { seen, unseen } = task.items.held;
  const held = { seen: openTable(seen), unseen: openTable(unseen) };
  return {
    ...task,
    seen: partOfTable(held.seen),
    unseen: partOfTable(held.unseen),
    items: { ...task.items, held },
  };
}
