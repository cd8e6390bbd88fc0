import type { Failure } from '../domain/errors.js';
import type { BackendReport, ImageExtractorInfo, Pixels } from './types.js';

/** What a worker thread is started with. */
export interface ExtractorWorkerData {
  /** Name of the image extractor: `default`, `hsv-hog`, or `dir:PATH`. */
  readonly image: string;
}

/** The tasks of a worker thread, by the names they are exported under. */
export interface ExtractorTasks {
  extractTexts(texts: readonly string[]): Promise<TaskReply<Float32Array[]>>;
  extractImages(images: readonly Pixels[]): Promise<TaskReply<Float32Array[]>>;
  describeImageExtractor(): Promise<TaskReply<ImageExtractorInfo>>;
  backendReport(): Promise<TaskReply<BackendReport>>;
  tensorCount(): Promise<TaskReply<number>>;
}

/** An expected failure crosses threads as a value: an error would arrive without its code. */
export type TaskReply<T> = { readonly value: T } | { readonly failure: Failure };
