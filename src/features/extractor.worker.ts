import { workerData } from 'node:worker_threads';
import { CommonspaceError } from '../domain/errors.js';
import { loadTensorBackend } from '../platform/tensor-backend.js';
import type { ExtractorTasks, ExtractorWorkerData, TaskReply } from './extractor-tasks.js';
import type { ImageExtractor } from './image/image-extractor.js';
import { loadImageExtractor } from './image/load-image-extractor.js';
import { TextExtractor } from './text/text-extractor.js';

/** A worker thread of the extractors' pool. Models are loaded once, when first needed. */

const { image } = workerData as ExtractorWorkerData;
let texts: Promise<TextExtractor> | null = null;
let images: Promise<ImageExtractor> | null = null;

function textExtractor(): Promise<TextExtractor> {
  texts ??= loadTensorBackend().then((backend) => TextExtractor.load(backend));
  return texts;
}

function imageExtractor(): Promise<ImageExtractor> {
  images ??= loadImageExtractor(image);
  return images;
}

async function reply<T>(work: () => Promise<T>): Promise<TaskReply<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof CommonspaceError) return { failure: error.toFailure() };
    throw error;
  }
}

export const extractTexts: ExtractorTasks['extractTexts'] = (batch) =>
  reply(async () => (await textExtractor()).extract(batch));

export const extractImages: ExtractorTasks['extractImages'] = (batch) =>
  reply(async () => (await imageExtractor()).extract(batch));

export const describeImageExtractor: ExtractorTasks['describeImageExtractor'] = () =>
  reply(async () => (await imageExtractor()).info);

export const backendReport: ExtractorTasks['backendReport'] = () =>
  reply(async () => {
    const { backend, version, reason } = await loadTensorBackend();
    return { backend, version, reason };
  });

/** Tensors alive in this thread: the models' weights, and nothing else between two calls. */
export const tensorCount: ExtractorTasks['tensorCount'] = () =>
  reply(async () => (await loadTensorBackend()).tf.memory().numTensors);
