import type { Failure } from '../domain/errors.js';
import type { BackendReport, ImageExtractorInfo, Pixels, TextExtractorInfo } from './types.js';

/** Work for one extractor. */
interface ExtractorTask {
  readonly name: string;
  /** Id of the extractor when the name was opened. */
  readonly id: string;
  /** Ids of the open extractors of this modality. A thread disposes the models of all others. */
  readonly open: readonly string[];
}

export interface ImageTask extends ExtractorTask {
  readonly images: readonly Pixels[];
}

export interface TextTask extends ExtractorTask {
  readonly texts: readonly string[];
}

/** The tasks of a worker thread, by their exported names. */
export interface ExtractorTasks {
  extractTexts(task: TextTask): Promise<TaskReply<Float32Array[]>>;
  extractImages(task: ImageTask): Promise<TaskReply<Float32Array[]>>;
  describeImageExtractor(name: string): Promise<TaskReply<ImageExtractorInfo>>;
  describeTextExtractor(name: string): Promise<TaskReply<TextExtractorInfo>>;
  backendReport(): Promise<TaskReply<BackendReport>>;
  tensorCount(): Promise<TaskReply<number>>;
  graphCount(): Promise<TaskReply<number>>;
}

/** The result of a task. An expected failure is a value, because an error loses its code between threads. */
export type TaskReply<T> = { readonly value: T } | { readonly failure: Failure };
