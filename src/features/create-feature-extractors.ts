import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { CommonspaceError } from '../domain/errors.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { ExtractorTasks, ExtractorWorkerData, TaskReply } from './extractor-tasks.js';
import { knownImageExtractor } from './image/load-image-extractor.js';
import { TEXT_EXTRACTOR } from './text/text-extractor.js';
import type { FeatureExtractors, ImageExtractorInfo, Pixels } from './types.js';

export interface FeatureExtractorsOptions {
  /** `default`, `hsv-hog`, or `dir:PATH[#DESCRIPTION]` of a tfjs model. */
  readonly image?: string;
  /** Threads for large batches; one for each core, four at most, unless told otherwise. */
  readonly workers?: number;
}

const MOST_WORKERS = 4;
/** Texts and images of one task: small, so that all threads share a batch and none is long at it. */
const TEXTS_A_TASK = 16;
const IMAGES_A_TASK = 8;
/** A call this small is a query, somebody waits for it, and it has a thread of its own. */
const QUERY_SIZE = 2;

/**
 * The extractors in use, in a pool of worker threads. Queries go to a thread that large batches never use, so that a
 * search does not wait for an ingest.
 *
 * @throws CommonspaceError BAD_CONFIG for an unknown extractor, BAD_MODEL for a model on disk that cannot be used.
 */
export async function createFeatureExtractors(
  options: FeatureExtractorsOptions = {},
): Promise<FeatureExtractors> {
  const name = options.image ?? 'default';
  const known = knownImageExtractor(name);
  const pools = new ExtractorPools(name, options.workers ?? Math.min(availableParallelism(), MOST_WORKERS));
  try {
    const image = known ?? (await pools.ask('describeImageExtractor', undefined));
    return new PooledExtractors(image, pools);
  } catch (error) {
    await pools.close();
    throw error;
  }
}

type TaskName = keyof ExtractorTasks;
type Input<Name extends TaskName> = Parameters<ExtractorTasks[Name]>[0];
type Value<Name extends TaskName> =
  Awaited<ReturnType<ExtractorTasks[Name]>> extends TaskReply<infer T> ? T : never;

/** One thread for queries, several for batches; each starts when it is first needed. */
class ExtractorPools {
  private readonly queries: Piscina;
  private readonly batches: Piscina;

  constructor(image: string, workers: number) {
    const workerData: ExtractorWorkerData = { image };
    const options = { filename: workerEntry(import.meta.url, 'extractor.worker'), workerData, minThreads: 0 };
    // A thread that has loaded its models is worth keeping.
    this.queries = new Piscina({ ...options, maxThreads: 1, idleTimeout: Number.POSITIVE_INFINITY });
    this.batches = new Piscina({ ...options, maxThreads: workers, idleTimeout: 60_000 });
  }

  ask<Name extends TaskName>(name: Name, input: Input<Name>, signal?: AbortSignal): Promise<Value<Name>> {
    return run(this.queries, name, input, signal);
  }

  batch<Name extends TaskName>(name: Name, input: Input<Name>, signal?: AbortSignal): Promise<Value<Name>> {
    return run(this.batches, name, input, signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.queries.destroy(), this.batches.destroy()]);
  }
}

async function run<Name extends TaskName>(
  pool: Piscina,
  name: Name,
  input: Input<Name>,
  signal: AbortSignal | undefined,
): Promise<Value<Name>> {
  let reply: TaskReply<Value<Name>>;
  try {
    reply = await pool.run(input, { name, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted)
      throw new CommonspaceError('CANCELLED', 'The extraction was cancelled.', [], { cause: error });
    throw error;
  }
  if ('value' in reply) return reply.value;
  throw new CommonspaceError(reply.failure.code, reply.failure.message, reply.failure.field);
}

class PooledExtractors implements FeatureExtractors {
  readonly text = TEXT_EXTRACTOR;

  constructor(
    readonly image: ImageExtractorInfo,
    private readonly pools: ExtractorPools,
  ) {}

  extractTexts(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]> {
    return this.inTasks('extractTexts', texts, TEXTS_A_TASK, signal);
  }

  async extractImages(images: readonly Pixels[], signal?: AbortSignal): Promise<Float32Array[]> {
    const { width, height } = this.image.input;
    for (const image of images) {
      if (image.width !== width || image.height !== height || image.data.length !== width * height * 3) {
        throw new CommonspaceError('BAD_INPUT', `Pixels must come as RGB of ${width}×${height}.`, ['images']);
      }
    }
    return await this.inTasks('extractImages', images, IMAGES_A_TASK, signal);
  }

  async warmUp(): Promise<void> {
    const { width, height } = this.image.input;
    const white = { data: new Uint8Array(width * height * 3).fill(255), width, height };
    await this.pools.ask('extractTexts', ['a text to warm up with']);
    await this.pools.ask('extractImages', [white]);
  }

  backend(): ReturnType<FeatureExtractors['backend']> {
    return this.pools.ask('backendReport', undefined);
  }

  close(): Promise<void> {
    return this.pools.close();
  }

  private async inTasks<T>(
    name: 'extractTexts' | 'extractImages',
    inputs: readonly T[],
    size: number,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    if (inputs.length === 0) return [];
    if (inputs.length <= QUERY_SIZE) return await this.pools.ask(name, inputs as never, signal);
    // Every task of a batch listens to the one signal: more than ten is no leak here.
    if (signal) setMaxListeners(0, signal);
    const tasks: Promise<Float32Array[]>[] = [];
    for (let start = 0; start < inputs.length; start += size) {
      tasks.push(this.pools.batch(name, inputs.slice(start, start + size) as never, signal));
    }
    return (await Promise.all(tasks)).flat();
  }
}
