import { CommonspaceError } from '../domain/errors.js';
import type { ExtractorInfo } from './types.js';

/**
 * The space that two extractors share; null if each has its own.
 *
 * @throws CommonspaceError BAD_MODEL if they declare one space and differ in dimension
 */
export function sharedSpace(image: ExtractorInfo, text: ExtractorInfo): string | null {
  if (image.space == null || image.space !== text.space) return null;
  if (image.dimension === text.dimension) return image.space;
  throw new CommonspaceError(
    'BAD_MODEL',
    `${image.space}: its vision_model.onnx gives ${image.dimension} numbers and its text_model.onnx ${text.dimension}; the ` +
      'towers of one space must agree.',
    ['onnx/vision_model.onnx'],
  );
}
