import { CommonspaceError } from '../domain/errors.js';
import { loadTensorBackend } from '../platform/tensor-backend.js';
import type { ExtractorTasks, TaskReply } from './extractor-tasks.js';
import { loadImageExtractor } from './image/load-image-extractor.js';
import { LoadedExtractors } from './loaded-extractors.js';
import { openGraphs } from './onnx/session.js';
import { loadTextExtractor } from './text/load-text-extractor.js';

/** A worker thread of the extractors' pool. It loads each model once, at the first task that uses it. */

const images = new LoadedExtractors(loadImageExtractor);
const texts = new LoadedExtractors(loadTextExtractor);

async function reply<T>(work: () => Promise<T>): Promise<TaskReply<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof CommonspaceError) return { failure: error.toFailure() };
    throw error;
  }
}

export const extractTexts: ExtractorTasks['extractTexts'] = ({ name, id, texts: batch, open }) =>
  reply(async () => {
    await texts.keepOnly([...open, id]);
    return (await texts.get(name, id)).extract(batch);
  });

export const extractImages: ExtractorTasks['extractImages'] = ({ name, id, images: batch, open }) =>
  reply(async () => {
    await images.keepOnly([...open, id]);
    return (await images.get(name, id)).extract(batch);
  });

export const describeImageExtractor: ExtractorTasks['describeImageExtractor'] = (name) =>
  reply(async () => (await images.open(name)).info);

export const describeTextExtractor: ExtractorTasks['describeTextExtractor'] = (name) =>
  reply(async () => (await texts.open(name)).info);

export const backendReport: ExtractorTasks['backendReport'] = () =>
  reply(async () => {
    const { backend, version, reason } = await loadTensorBackend();
    return { backend, version, reason };
  });

/** Number of tensors in this thread. Between calls these are only the models' weights. */
export const tensorCount: ExtractorTasks['tensorCount'] = () =>
  reply(async () => (await loadTensorBackend()).tf.memory().numTensors);

/** Number of ONNX graphs in this thread. */
export const graphCount: ExtractorTasks['graphCount'] = () => reply(async () => openGraphs());
