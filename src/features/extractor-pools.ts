import { Piscina } from 'piscina';
import { CommonspaceError } from '../domain/errors.js';
import { timeStage } from '../domain/observations.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { ExtractorTasks, TaskReply } from './extractor-tasks.js';
import { type QueueOptions, TaskQueue } from './task-queue.js';
import type { QueueLength } from './types.js';

type TaskName = keyof ExtractorTasks;
type Input<Name extends TaskName> = Parameters<ExtractorTasks[Name]>[0];
type Value<Name extends TaskName> =
  Awaited<ReturnType<ExtractorTasks[Name]>> extends TaskReply<infer T> ? T : never;

/** Tasks that each thread has at a time: while it runs one, the next is sent. */
export const TASKS_A_THREAD = 2;
/** Tasks that wait at most. A text query takes about 10 ms, a picture 50 ms, a task of a batch up to a second. */
const MOST_WAITING = { queries: 200, batches: 500 };

/** A pool of threads, and the tasks that wait for one of them. */
interface Lane {
  readonly pool: Piscina;
  readonly queue: TaskQueue;
}

/** One thread for queries and several for batches, shared by all extractors. Each starts at its first task. */
export class ExtractorPools {
  private readonly queries: Lane;
  private readonly batches: Lane;

  constructor(
    readonly workers: number,
    mostWaiting = MOST_WAITING,
  ) {
    const options = { filename: workerEntry(import.meta.url, 'extractor.worker'), minThreads: 0 };
    // Threads are kept, because loading the models takes long.
    this.queries = {
      pool: new Piscina({ ...options, maxThreads: 1, idleTimeout: Number.POSITIVE_INFINITY }),
      queue: new TaskQueue(TASKS_A_THREAD, mostWaiting.queries),
    };
    this.batches = {
      pool: new Piscina({ ...options, maxThreads: workers, idleTimeout: 60_000 }),
      queue: new TaskQueue(TASKS_A_THREAD * workers, mostWaiting.batches),
    };
  }

  /** @throws CommonspaceError BUSY, CANCELLED; see TaskQueue. */
  ask<Name extends TaskName>(name: Name, input: Input<Name>, options?: QueueOptions): Promise<Value<Name>> {
    const { pool, queue } = this.queries;
    return queue.run(() => run(pool, name, input), options);
  }

  /** @throws CommonspaceError BUSY, CANCELLED; see TaskQueue. */
  batch<Name extends TaskName>(name: Name, input: Input<Name>, options?: QueueOptions): Promise<Value<Name>> {
    const { pool, queue } = this.batches;
    return queue.run(() => run(pool, name, input), options);
  }

  /** Tasks that wait, and threads that run. */
  queues(): { readonly queries: QueueLength; readonly batches: QueueLength } {
    const length = ({ pool, queue }: Lane): QueueLength => ({
      waiting: queue.length,
      threads: pool.threads.length,
    });
    return { queries: length(this.queries), batches: length(this.batches) };
  }

  async close(): Promise<void> {
    await Promise.all([this.queries.pool.destroy(), this.batches.pool.destroy()]);
  }
}

async function run<Name extends TaskName>(
  pool: Piscina,
  name: Name,
  input: Input<Name>,
): Promise<Value<Name>> {
  // Without a signal: on an abort, the pool would terminate the thread and its loaded models.
  const reply: TaskReply<Value<Name>> = await timeStage('extract', () =>
    pool.run(input, { name, transferList: buffersIn(input) }),
  );
  if ('value' in reply) return reply.value;
  throw new CommonspaceError(reply.failure.code, reply.failure.message, reply.failure.field);
}

/** Buffers of pixels, which are transferred to the thread instead of copied. */
function buffersIn(input: unknown): ArrayBuffer[] {
  if (typeof input !== 'object' || input === null || !('images' in input)) return [];
  return (input as Parameters<ExtractorTasks['extractImages']>[0]).images.map(
    ({ data }) => data.buffer as ArrayBuffer,
  );
}
