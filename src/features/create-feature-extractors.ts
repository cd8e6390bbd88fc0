import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { CommonspaceError } from '../domain/errors.js';
import { workerEntry } from '../platform/worker-entry.js';
import type { ExtractorTasks, ExtractorWorkerData, TaskReply } from './extractor-tasks.js';
import { knownImageExtractor } from './image/load-image-extractor.js';
import { inLanes } from './task-lanes.js';
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
const TEXTS_A_TASK = 32;
const CHARACTERS_A_TASK = 4_000;
const IMAGES_A_TASK = 8;
/** Tasks of one call that are handed out at once, for each thread: while one runs the next is on its way. */
const TASKS_A_THREAD = 2;
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

  constructor(
    image: string,
    readonly workers: number,
  ) {
    const workerData: ExtractorWorkerData = { image };
    const options = { filename: workerEntry(import.meta.url, 'extractor.worker'), workerData, minThreads: 0 };
    // A thread that has loaded its models is worth keeping.
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
  // No signal: the pool would answer an abort by ending the thread, and the models it has loaded with it.
  const reply: TaskReply<Value<Name>> = await pool.run(input, { name, transferList: buffersIn(input) });
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
    return this.inTasks(
      groupByLength(texts),
      (group, isQuery) => {
        const input = group.map((i) => texts[i] as string);
        return isQuery ? this.pools.ask('extractTexts', input) : this.pools.batch('extractTexts', input);
      },
      signal,
    );
  }

  async extractImages(images: readonly Pixels[], signal?: AbortSignal): Promise<Float32Array[]> {
    const { width, height } = this.image.input;
    for (const image of images) {
      if (image.width !== width || image.height !== height || image.data.length !== width * height * 3) {
        throw new CommonspaceError('BAD_INPUT', `Pixels must come as RGB of ${width}×${height}.`, ['images']);
      }
    }
    const indices = images.map((_, i) => i);
    const groups = Array.from({ length: Math.ceil(images.length / IMAGES_A_TASK) }, (_, i) =>
      indices.slice(i * IMAGES_A_TASK, (i + 1) * IMAGES_A_TASK),
    );
    return await this.inTasks(
      groups,
      (group, isQuery) => {
        const input = group.map((i) => copyOf(images[i] as Pixels));
        return isQuery ? this.pools.ask('extractImages', input) : this.pools.batch('extractImages', input);
      },
      signal,
    );
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

  /** Features in the order of the inputs, whose indices `groups` holds, one group a task. */
  private async inTasks(
    groups: readonly (readonly number[])[],
    extract: (group: readonly number[], isQuery: boolean) => Promise<Float32Array[]>,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const size = groups.reduce((sum, group) => sum + group.length, 0);
    const lanes = this.pools.workers * TASKS_A_THREAD;
    const results = await inLanes(groups, lanes, (group) => extract(group, size <= QUERY_SIZE), signal);
    const features: Float32Array[] = new Array(size);
    groups.forEach((group, g) => {
      group.forEach((index, i) => {
        features[index] = results[g]?.[i] as Float32Array;
      });
    });
    return features;
  }
}

/** Indices of texts in groups of much the same length: the network runs texts of one length together. */
function groupByLength(texts: readonly string[]): number[][] {
  const order = texts.map((_, i) => i);
  order.sort((a, b) => (texts[a] as string).length - (texts[b] as string).length || a - b);
  const groups: number[][] = [];
  let room = 0;
  for (const index of order) {
    const { length } = texts[index] as string;
    const group = groups.at(-1);
    if (group === undefined || group.length === TEXTS_A_TASK || length > room) {
      groups.push([index]);
      room = CHARACTERS_A_TASK - length;
    } else {
      group.push(index);
      room -= length;
    }
  }
  return groups;
}

/** Pixels in a buffer of their own, which can be handed over to a thread; the caller keeps his. */
function copyOf({ data, width, height }: Pixels): Pixels {
  return { data: new Uint8Array(data), width, height };
}

function buffersIn(input: unknown): ArrayBuffer[] {
  if (!Array.isArray(input)) return [];
  return input.flatMap((one: unknown) =>
    typeof one === 'object' && one !== null && 'data' in one && one.data instanceof Uint8Array
      ? [one.data.buffer as ArrayBuffer]
      : [],
  );
}
