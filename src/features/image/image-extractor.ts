import type { ImageExtractorInfo, Pixels } from '../types.js';

/** An image extractor in one thread. */
export interface ImageExtractor {
  readonly info: ImageExtractorInfo;
  /** [info.dimension] of unit length for each image, in order. Images must have the size `info.input`. */
  extract(images: readonly Pixels[]): Promise<Float32Array[]>;
  dispose(): void | Promise<void>;
}
