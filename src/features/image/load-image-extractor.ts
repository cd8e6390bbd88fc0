import { CommonspaceError } from '../../domain/errors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { OnnxImageModel } from '../onnx/image-model.js';
import { parseModelName, storedName } from '../onnx/model-name.js';
import type { ImageExtractorInfo } from '../types.js';
import { parseDirectory } from './directory-files.js';
import { DirectoryModel } from './directory-model.js';
import { HSV_HOG_EXTRACTOR, hsvHogExtractor } from './hsv-hog-extractor.js';
import type { ImageExtractor } from './image-extractor.js';
import { MOBILENET_MID_EXTRACTOR, MobilenetMid } from './mobilenet-mid.js';

const DIRECTORY = 'dir:';

/** Built-in extractors by their configured names. */
const BUILT_IN: Readonly<Record<string, ImageExtractorInfo>> = {
  default: MOBILENET_MID_EXTRACTOR,
  'hsv-hog': HSV_HOG_EXTRACTOR,
};

/** A resolved name, independent of the working directory and of the version of this program. */
export interface ImageExtractorName {
  readonly name: string;
  /** The extractor's description; null for a model on disk, which must be loaded first. */
  readonly info: ImageExtractorInfo | null;
}

/**
 * Reads `default`, `hsv-hog`, the id of one of these, `dir:PATH[#DESCRIPTION]`, `onnx:PATH` or `hf:ORG/NAME`.
 *
 * @throws CommonspaceError BAD_CONFIG for any other name
 */
export function readImageExtractorName(name: string): ImageExtractorName {
  if (name.startsWith(DIRECTORY)) {
    const { folder, description } = parseDirectory(name.slice(DIRECTORY.length));
    return { name: `${DIRECTORY}${folder}#${description}`, info: null };
  }
  const model = parseModelName(name, 'COMMONSPACE_IMAGE_MODEL');
  if (model !== null) return { name: storedName(model), info: null };
  const info = BUILT_IN[name] ?? Object.values(BUILT_IN).find(({ id }) => id === name);
  if (info !== undefined) return { name: info.id, info };
  throw new CommonspaceError(
    'BAD_CONFIG',
    `There is no image extractor ${name}. Use default, hsv-hog, dir:PATH, onnx:PATH or hf:ORG/NAME.`,
    ['COMMONSPACE_IMAGE_MODEL'],
  );
}

/** Ids of the built-in extractors. */
export function builtInImageExtractors(): readonly string[] {
  return Object.values(BUILT_IN).map(({ id }) => id);
}

/** Loads an image extractor by its name. A model of a hub has been resolved to `onnx:` with its folder. */
export async function loadImageExtractor(name: string): Promise<ImageExtractor> {
  const model = parseModelName(name, 'COMMONSPACE_IMAGE_MODEL');
  if (model?.kind === 'folder') return await OnnxImageModel.load(model);
  const { info } = readImageExtractorName(name);
  if (info === HSV_HOG_EXTRACTOR) return hsvHogExtractor;
  const backend = await loadTensorBackend();
  if (info === MOBILENET_MID_EXTRACTOR) return MobilenetMid.load(backend);
  return DirectoryModel.load(parseDirectory(name.slice(DIRECTORY.length)), backend);
}
