import type { ImageExtractorInfo, Pixels } from '../types.js';

/** An image extractor at work in one thread. */
export interface ImageExtractor {
  readonly info: ImageExtractorInfo;
  /** [info.dimension] of unit length for each image, in order; each comes in the size of `info.input`. */
  extract(images: readonly Pixels[]): Promise<Float32Array[]>;
  dispose(): void;
}
