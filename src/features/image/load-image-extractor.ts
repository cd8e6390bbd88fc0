import { CommonspaceError } from '../../domain/errors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import type { ImageExtractorInfo } from '../types.js';
import { parseDirectory } from './directory-files.js';
import { DirectoryModel } from './directory-model.js';
import { HSV_HOG_EXTRACTOR, hsvHogExtractor } from './hsv-hog-extractor.js';
import type { ImageExtractor } from './image-extractor.js';
import { MOBILENET_MID_EXTRACTOR, MobilenetMid } from './mobilenet-mid.js';

const DIRECTORY = 'dir:';

/** What an extractor is, where that is known without loading it: null for a model on disk. */
export function knownImageExtractor(name: string): ImageExtractorInfo | null {
  if (name === 'default') return MOBILENET_MID_EXTRACTOR;
  if (name === 'hsv-hog') return HSV_HOG_EXTRACTOR;
  if (name.startsWith(DIRECTORY)) return null;
  throw new CommonspaceError(
    'BAD_CONFIG',
    `There is no image extractor ${name}: default, hsv-hog or dir:PATH.`,
    ['COMMONSPACE_IMAGE_MODEL'],
  );
}

/** Loads an image extractor by its name: `default`, `hsv-hog`, or `dir:PATH[#DESCRIPTION]`. */
export async function loadImageExtractor(name: string): Promise<ImageExtractor> {
  if (name === 'hsv-hog') return hsvHogExtractor;
  const backend = await loadTensorBackend();
  if (name.startsWith(DIRECTORY))
    return DirectoryModel.load(parseDirectory(name.slice(DIRECTORY.length)), backend);
  knownImageExtractor(name);
  return MobilenetMid.load(backend);
}
