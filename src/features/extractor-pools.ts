import { Piscina } from 'piscina';
import { CommonspaceError } from '../domain/errors.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { ExtractorTasks, TaskReply } from './extractor-tasks.js';

type TaskName = keyof ExtractorTasks;
type Input<Name extends TaskName> = Parameters<ExtractorTasks[Name]>[0];
type Value<Name extends TaskName> =
  Awaited<ReturnType<ExtractorTasks[Name]>> extends TaskReply<infer T> ? T : never;

/** One thread for queries and several for batches, shared by all extractors. Each starts at its first task. */
export class ExtractorPools {
  private readonly queries: Piscina;
  private readonly batches: Piscina;

  constructor(readonly workers: number) {
    const options = { filename: workerEntry(import.meta.url, 'extractor.worker'), minThreads: 0 };
    // Threads are kept, because loading the models takes long.
    this.queries = new Piscina({ ...options, maxThreads: 1, idleTimeout: Number.POSITIVE_INFINITY });
    this.batches = new Piscina({ ...options, maxThreads: workers, idleTimeout: 60_000 });
  }

  ask<Name extends TaskName>(name: Name, input: Input<Name>): Promise<Value<Name>> {
    return run(this.queries, name, input);
  }

  batch<Name extends TaskName>(name: Name, input: Input<Name>): Promise<Value<Name>> {
    return run(this.batches, name, input);
  }

  async close(): Promise<void> {
    await Promise.all([this.queries.destroy(), this.batches.destroy()]);
  }
}

async function run<Name extends TaskName>(
  pool: Piscina,
  name: Name,
  input: Input<Name>,
): Promise<Value<Name>> {
  // Without a signal: on an abort, the pool would terminate the thread and its loaded models.
  const reply: TaskReply<Value<Name>> = await pool.run(input, { name, transferList: buffersIn(input) });
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
