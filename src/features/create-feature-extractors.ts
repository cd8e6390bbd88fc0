import { availableParallelism } from 'node:os';
import { CommonspaceError, throwIfCancelled } from '../domain/errors.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { ExtractorPools, TASKS_A_THREAD } from './extractor-pools.js';
import type { HubOptions } from './hub/hub-options.js';
import { inFolder } from './hub/in-folder.js';
import { readImageExtractorName } from './image/load-image-extractor.js';
import { modalitiesOf } from './onnx/model-folder.js';
import { parseModelName } from './onnx/model-name.js';
import { sharedSpace } from './shared-space.js';
import { inLanes } from './task-lanes.js';
import { readTextExtractorName } from './text/load-text-extractor.js';
import type {
  ExtractOptions,
  FeatureExtractors,
  ImageExtractorInfo,
  OpenImageExtractor,
  OpenTextExtractor,
  Pixels,
  TextExtractorInfo,
} from './types.js';

export interface FeatureExtractorsOptions {
  /** The configured image extractor: `default`, `hsv-hog`, `dir:PATH[#DESCRIPTION]` of a tfjs model, `onnx:PATH` or `hf:ORG/NAME`. */
  readonly image?: string;
  /** The configured text extractor: `default`, `onnx:PATH` or `hf:ORG/NAME`. */
  readonly text?: string;
  /** Where models named `hf:` are, and where to get them. Without it such names are refused. */
  readonly hub?: HubOptions;
  /** Threads for large batches; default: one for each core, at most four. */
  readonly workers?: number;
  /** Ends the creation. */
  readonly signal?: AbortSignal | undefined;
}

const MOST_WORKERS = 4;
/** Texts and images in one task: few, so that a batch is spread over all threads and each task is short. */
const TEXTS_A_TASK = 32;
const CHARACTERS_A_TASK = 4_000;
const IMAGES_A_TASK = 8;
/** A call with at most this many inputs is a query. It runs in the thread for queries. */
const QUERY_SIZE = 2;

/**
 * Creates the extractors in a pool of worker threads. Queries have a thread of their own, so that a search does not wait for
 * an ingest.
 *
 * @throws CommonspaceError BAD_CONFIG for an unknown extractor, BAD_MODEL for a model on disk that cannot be used,
 *   PACKAGE_MISSING, MODEL_UNAVAILABLE, CANCELLED.
 */
export async function createFeatureExtractors(
  options: FeatureExtractorsOptions = {},
): Promise<FeatureExtractors> {
  const image = readImageExtractorName(options.image ?? 'default');
  const text = readTextExtractorName(options.text ?? 'default');
  const pools = new ExtractorPools(options.workers ?? Math.min(availableParallelism(), MOST_WORKERS));
  const { signal } = options;
  // Ends the threads that load a model, and so the tasks that wait for them.
  const stop = () => void pools.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    throwIfCancelled(signal);
    const images = await inFolder(image.name, options.hub);
    const texts = await inFolder(text.name, options.hub);
    const extractors = new PooledExtractors(
      { ...image, task: images, info: image.info ?? (await pools.ask('describeImageExtractor', images)) },
      { ...text, task: texts, info: text.info ?? (await pools.ask('describeTextExtractor', texts)) },
      pools,
      options.hub,
    );
    sharedSpace(extractors.image, extractors.text);
    throwIfCancelled(signal);
    return extractors;
  } catch (error) {
    await pools.close();
    throwIfCancelled(signal);
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

interface Named<Info> {
  /** The name that opens it again. */
  readonly name: string;
  /** The name in tasks: that of the folder, for a model of a hub. */
  readonly task: string;
  readonly info: Info;
}

class PooledExtractors implements FeatureExtractors {
  readonly text: OpenTextExtractor;
  readonly image: OpenImageExtractor;
  /** Ids of all open extractors. */
  private readonly open = { IMAGE: new Set<string>(), TEXT: new Set<string>() };

  constructor(
    image: Named<ImageExtractorInfo>,
    text: Named<TextExtractorInfo>,
    private readonly pools: ExtractorPools,
    private readonly hub: HubOptions | undefined,
  ) {
    this.image = this.openedImage(image);
    this.text = this.openedText(text);
  }

  async openImage(wanted: string): Promise<OpenImageExtractor> {
    const { name, info } = readImageExtractorName(wanted);
    const task = await inFolder(name, this.hub);
    // Not in the thread for queries: loading a model would delay them.
    return this.openedImage({
      name,
      task,
      info: info ?? (await this.pools.batch('describeImageExtractor', task)),
    });
  }

  async openText(wanted: string): Promise<OpenTextExtractor> {
    const { name, info } = readTextExtractorName(wanted);
    const task = await inFolder(name, this.hub);
    return this.openedText({
      name,
      task,
      info: info ?? (await this.pools.batch('describeTextExtractor', task)),
    });
  }

  async modalitiesOf(name: string): Promise<readonly Modality[]> {
    const model = parseModelName(await inFolder(name, this.hub), 'name');
    if (model?.kind === 'folder') return modalitiesOf(model);
    const reads = (read: (name: string) => unknown) => {
      try {
        read(name);
        return true;
      } catch {
        return false;
      }
    };
    const found = { IMAGE: reads(readImageExtractorName), TEXT: reads(readTextExtractorName) };
    if (!found.IMAGE && !found.TEXT) readImageExtractorName(name);
    return MODALITIES.filter((modality) => found[modality]);
  }

  closeBut(modality: Modality, ids: ReadonlySet<string>): void {
    const configured = modality === 'IMAGE' ? this.image.id : this.text.id;
    const open = this.open[modality];
    for (const id of open) if (!ids.has(id) && id !== configured) open.delete(id);
  }

  async warmUp(image: OpenImageExtractor = this.image, text: OpenTextExtractor = this.text): Promise<void> {
    const { width, height } = image.input;
    const white = { data: new Uint8Array(width * height * 3).fill(255), width, height };
    await text.extract(['a text to warm up with']);
    await image.extract([white]);
  }

  backend(): ReturnType<FeatureExtractors['backend']> {
    return this.pools.ask('backendReport', undefined);
  }

  close(): Promise<void> {
    return this.pools.close();
  }

  private openedImage({ name, task, info }: Named<ImageExtractorInfo>): OpenImageExtractor {
    this.open.IMAGE.add(info.id);
    return {
      ...info,
      name,
      extract: (images, options = {}) => this.extractImages(task, info, images, options),
    };
  }

  private openedText({ name, task, info }: Named<TextExtractorInfo>): OpenTextExtractor {
    this.open.TEXT.add(info.id);
    return {
      ...info,
      name,
      extract: (texts, options = {}) => this.extractTexts(task, info, texts, options),
    };
  }

  private extractTexts(
    name: string,
    { id }: TextExtractorInfo,
    texts: readonly string[],
    options: ExtractOptions,
  ): Promise<Float32Array[]> {
    return this.inTasks(
      groupByLength(texts),
      (group, isQuery) => {
        const task = { name, id, texts: group.map((i) => texts[i] as string), open: [...this.open.TEXT] };
        return isQuery
          ? this.pools.ask('extractTexts', task, options)
          : this.pools.batch('extractTexts', task, options);
      },
      options,
    );
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
        const task = { name, id, images: batch, open: [...this.open.IMAGE] };
        return isQuery
          ? this.pools.ask('extractImages', task, options)
          : this.pools.batch('extractImages', task, options);
      },
      options,
    );
  }

  queues() {
    return this.pools.queues();
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
