import type { Catalog } from '../../catalog/catalog.js';
import type { ReportUnexpected } from '../../domain/errors.js';
import { builtInImageExtractors, readImageExtractorName } from '../../features/image/load-image-extractor.js';
import { builtInTextExtractors, readTextExtractorName } from '../../features/text/load-text-extractor.js';
import type { FeatureExtractors, OpenImageExtractor, OpenTextExtractor } from '../../features/types.js';
import {
  type ExtractorKind,
  ExtractorsInUse,
  type ImageExtractors,
  type TextExtractors,
} from './extractors-in-use.js';

/** @param allowed names that callers of the API may give, besides the built-in ones and the configured one */
export function createImageExtractors(
  catalog: Catalog,
  features: FeatureExtractors,
  allowed: readonly string[],
  reportUnexpected: ReportUnexpected,
): ImageExtractors {
  const kind: ExtractorKind<OpenImageExtractor> = {
    modality: 'IMAGE',
    configured: features.image,
    open: (name) => features.openImage(name),
    builtIn: builtInImageExtractors(),
    readName: (wanted) => readImageExtractorName(wanted).name,
    idIn: (encoder) => encoder.imageExtractor,
    nameIn: (encoder) => encoder.request?.imageExtractor,
    what: 'image extractor',
    setting: 'COMMONSPACE_IMAGE_MODELS',
    names: 'dir:PATH, onnx:PATH or hf:ORG/NAME',
    missing: (id) =>
      `reads pictures by the features of ${id}, which cannot be opened; \`commonspace doctor\` says why. ` +
      'Searches by text and by stored items still work.',
  };
  return new ExtractorsInUse(catalog, features, kind, allowed, reportUnexpected);
}

/** The same for texts. */
export function createTextExtractors(
  catalog: Catalog,
  features: FeatureExtractors,
  allowed: readonly string[],
  reportUnexpected: ReportUnexpected,
): TextExtractors {
  const kind: ExtractorKind<OpenTextExtractor> = {
    modality: 'TEXT',
    configured: features.text,
    open: (name) => features.openText(name),
    builtIn: builtInTextExtractors(),
    readName: (wanted) => readTextExtractorName(wanted).name,
    idIn: (encoder) => encoder.textExtractor,
    nameIn: (encoder) => encoder.request?.textExtractor,
    what: 'text extractor',
    setting: 'COMMONSPACE_TEXT_MODELS',
    names: 'onnx:PATH or hf:ORG/NAME',
    missing: (id) =>
      `reads texts by the features of ${id}, which cannot be opened; \`commonspace doctor\` says why. ` +
      'Searches by picture and by stored items still work.',
  };
  return new ExtractorsInUse(catalog, features, kind, allowed, reportUnexpected);
}
