import { CommonspaceError } from '../../domain/errors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { parseModelName, storedName } from '../onnx/model-name.js';
import { OnnxTextModel } from '../onnx/text-model.js';
import type { TextExtractorInfo } from '../types.js';
import { SentenceNgrams, TEXT_EXTRACTOR, type TextExtractor } from './text-extractor.js';

/** A resolved name; `info` is null for a model on disk, which must be loaded first. */
export interface TextExtractorName {
  readonly name: string;
  readonly info: TextExtractorInfo | null;
}

/**
 * Reads `default`, the id of the built-in extractor, `onnx:PATH` or `hf:ORG/NAME`.
 *
 * @throws CommonspaceError BAD_CONFIG for any other name
 */
export function readTextExtractorName(name: string): TextExtractorName {
  const model = parseModelName(name, 'COMMONSPACE_TEXT_MODEL');
  if (model !== null) return { name: storedName(model), info: null };
  if (name === 'default' || name === TEXT_EXTRACTOR.id)
    return { name: TEXT_EXTRACTOR.id, info: TEXT_EXTRACTOR };
  throw new CommonspaceError(
    'BAD_CONFIG',
    `There is no text extractor ${name}. Use default, onnx:PATH or hf:ORG/NAME.`,
    ['COMMONSPACE_TEXT_MODEL'],
  );
}

/** Ids of the built-in extractors. */
export function builtInTextExtractors(): readonly string[] {
  return [TEXT_EXTRACTOR.id];
}

/** Loads a text extractor by its name. A model of a hub has been resolved to `onnx:` with its folder. */
export async function loadTextExtractor(name: string): Promise<TextExtractor> {
  const model = parseModelName(name, 'COMMONSPACE_TEXT_MODEL');
  if (model?.kind === 'folder') return await OnnxTextModel.load(model);
  readTextExtractorName(name);
  return await SentenceNgrams.load(await loadTensorBackend());
}
