import type { Failure } from '../domain/errors.js';
import type { BackendReport, ImageExtractorInfo, Pixels } from './types.js';

/** Images for one extractor. */
export interface ImageTask {
  readonly name: string;
  /** Id of the extractor when the name was opened. */
  readonly id: string;
  readonly images: readonly Pixels[];
  /** Ids of the open extractors. A thread disposes the models of all others. */
  readonly open: readonly string[];
}

/** The tasks of a worker thread, by their exported names. */
export interface ExtractorTasks {
  extractTexts(texts: readonly string[]): Promise<TaskReply<Float32Array[]>>;
  extractImages(task: ImageTask): Promise<TaskReply<Float32Array[]>>;
  describeImageExtractor(name: string): Promise<TaskReply<ImageExtractorInfo>>;
  backendReport(): Promise<TaskReply<BackendReport>>;
  tensorCount(): Promise<TaskReply<number>>;
}

/** The result of a task. An expected failure is a value, because an error loses its code between threads. */
export type TaskReply<T> = { readonly value: T } | { readonly failure: Failure };
