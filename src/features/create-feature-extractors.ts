import { availableParallelism } from 'node:os';
import { CommonspaceError } from '../domain/errors.js';
import { ExtractorPools } from './extractor-pools.js';
import { readImageExtractorName } from './image/load-image-extractor.js';
import { inLanes } from './task-lanes.js';
import { TEXT_EXTRACTOR } from './text/text-extractor.js';
import type {
  ExtractOptions,
  FeatureExtractors,
  ImageExtractorInfo,
  OpenImageExtractor,
  Pixels,
} from './types.js';

export interface FeatureExtractorsOptions {
  /** The configured image extractor: `default`, `hsv-hog`, or `dir:PATH[#DESCRIPTION]` of a tfjs model. */
  readonly image?: string;
  /** Threads for large batches; default: one for each core, at most four. */
  readonly workers?: number;
}

const MOST_WORKERS = 4;
/** Texts and images in one task: few, so that a batch is spread over all threads and each task is short. */
const TEXTS_A_TASK = 32;
const CHARACTERS_A_TASK = 4_000;
const IMAGES_A_TASK = 8;
/** Tasks of one call in flight for each thread: while one runs, the next is sent. */
const TASKS_A_THREAD = 2;
/** A call with at most this many inputs is a query. It runs in the thread for queries. */
const QUERY_SIZE = 2;

/**
 * Creates the extractors in a pool of worker threads. Queries have a thread of their own, so that a search does not wait for
 * an ingest.
 *
 * @throws CommonspaceError BAD_CONFIG for an unknown extractor, BAD_MODEL for a model on disk that cannot be used.
 */
export async function createFeatureExtractors(
  options: FeatureExtractorsOptions = {},
): Promise<FeatureExtractors> {
  const { name, info } = readImageExtractorName(options.image ?? 'default');
  const pools = new ExtractorPools(options.workers ?? Math.min(availableParallelism(), MOST_WORKERS));
  try {
    return new PooledExtractors(name, info ?? (await pools.ask('describeImageExtractor', name)), pools);
  } catch (error) {
    await pools.close();
    throw error;
  }
}

class PooledExtractors implements FeatureExtractors {
  readonly text = TEXT_EXTRACTOR;
  readonly image: OpenImageExtractor;
  /** Ids of all open image extractors. */
  private readonly open = new Set<string>();

  constructor(
    name: string,
    info: ImageExtractorInfo,
    private readonly pools: ExtractorPools,
  ) {
    this.image = this.opened(name, info);
  }

  extractTexts(texts: readonly string[], options: ExtractOptions = {}): Promise<Float32Array[]> {
    return this.inTasks(
      groupByLength(texts),
      (group, isQuery) => {
        const input = group.map((i) => texts[i] as string);
        return isQuery ? this.pools.ask('extractTexts', input) : this.pools.batch('extractTexts', input);
      },
      options,
    );
  }

  async openImage(wanted: string): Promise<OpenImageExtractor> {
    const { name, info } = readImageExtractorName(wanted);
    // Not in the thread for queries: loading a model would delay them.
    return this.opened(name, info ?? (await this.pools.batch('describeImageExtractor', name)));
  }

  closeImagesBut(ids: ReadonlySet<string>): void {
    for (const id of this.open) if (!ids.has(id) && id !== this.image.id) this.open.delete(id);
  }

  async warmUp(image: OpenImageExtractor = this.image): Promise<void> {
    const { width, height } = image.input;
    const white = { data: new Uint8Array(width * height * 3).fill(255), width, height };
    await this.extractTexts(['a text to warm up with']);
    await image.extract([white]);
  }

  backend(): ReturnType<FeatureExtractors['backend']> {
    return this.pools.ask('backendReport', undefined);
  }

  close(): Promise<void> {
    return this.pools.close();
  }

  private opened(name: string, info: ImageExtractorInfo): OpenImageExtractor {
    this.open.add(info.id);
    return {
      ...info,
      name,
      extract: (images, options = {}) => this.extractImages(name, info, images, options),
    };
  }

  private async extractImages(
    name: string,
    { id, input: { width, height } }: ImageExtractorInfo,
    images: readonly Pixels[],
    options: ExtractOptions,
  ): Promise<Float32Array[]> {
    for (const image of images) {
      if (image.width !== width || image.height !== height || image.data.length !== width * height * 3) {
        throw new CommonspaceError('BAD_INPUT', `Pixels must be RGB of ${width}×${height}.`, ['images']);
      }
    }
    const indices = images.map((_, i) => i);
    const groups = Array.from({ length: Math.ceil(images.length / IMAGES_A_TASK) }, (_, i) =>
      indices.slice(i * IMAGES_A_TASK, (i + 1) * IMAGES_A_TASK),
    );
    return await this.inTasks(
      groups,
      (group, isQuery) => {
        const batch = group.map((i) => copyOf(images[i] as Pixels));
        const task = { name, id, images: batch, open: [...this.open] };
        return isQuery ? this.pools.ask('extractImages', task) : this.pools.batch('extractImages', task);
      },
      options,
    );
  }

  /** Features in the order of the inputs. `groups` contains the indices of the inputs, one group for each task. */
  private async inTasks(
    groups: readonly (readonly number[])[],
    extract: (group: readonly number[], isQuery: boolean) => Promise<Float32Array[]>,
    { signal, background = false }: ExtractOptions,
  ): Promise<Float32Array[]> {
    const size = groups.reduce((sum, group) => sum + group.length, 0);
    const isQuery = size <= QUERY_SIZE && !background;
    const lanes = background ? 1 : this.pools.workers * TASKS_A_THREAD;
    const results = await inLanes(groups, lanes, (group) => extract(group, isQuery), signal);
    const features: Float32Array[] = new Array(size);
    groups.forEach((group, g) => {
      group.forEach((index, i) => {
        features[index] = results[g]?.[i] as Float32Array;
      });
    });
    return features;
  }
}

/** Indices of texts in groups of similar length, because the network runs texts of equal length together. */
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

/** Copies pixels into a new buffer, which can be transferred to a thread. */
function copyOf({ data, width, height }: Pixels): Pixels {
  return { data: new Uint8Array(data), width, height };
}
