import type { ImageExtractorInfo } from '../types.js';
import { HSV_HOG_DIMENSION, HSV_HOG_SIZE, hsvHog } from './hsv-hog.js';
import type { ImageExtractor } from './image-extractor.js';

export const HSV_HOG_EXTRACTOR: ImageExtractorInfo = {
  id: 'hsv-hog@1',
  modality: 'IMAGE',
  dimension: HSV_HOG_DIMENSION,
  description: 'colour histogram and oriented gradients, without trained weights',
  input: { width: HSV_HOG_SIZE, height: HSV_HOG_SIZE, fit: 'contain' },
};

/** Colour and shape features: fast, small, without object recognition. */
export const hsvHogExtractor: ImageExtractor = {
  info: HSV_HOG_EXTRACTOR,
  extract: async (images) => images.map(hsvHog),
  dispose: () => {},
};
