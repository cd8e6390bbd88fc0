import type { Failure } from '../domain/errors.js';
import type { BackendReport, ImageExtractorInfo, Pixels } from './types.js';

/** Images for one extractor. */
export interface ImageTask {
  readonly name: string;
  /** What the name stood for when it was opened. */
  readonly id: string;
  readonly images: readonly Pixels[];
  /** Ids of the extractors that are open; a thread lets go of the models of all others. */
  readonly open: readonly string[];
}

/** The tasks of a worker thread, by the names they are exported under. */
export interface ExtractorTasks {
  extractTexts(texts: readonly string[]): Promise<TaskReply<Float32Array[]>>;
  extractImages(task: ImageTask): Promise<TaskReply<Float32Array[]>>;
  describeImageExtractor(name: string): Promise<TaskReply<ImageExtractorInfo>>;
  backendReport(): Promise<TaskReply<BackendReport>>;
  tensorCount(): Promise<TaskReply<number>>;
}

/** An expected failure crosses threads as a value: an error would arrive without its code. */
export type TaskReply<T> = { readonly value: T } | { readonly failure: Failure };
