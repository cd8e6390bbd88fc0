import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { sharedSpace } from '../../features/shared-space.js';
import type { FeatureExtractors, OpenImageExtractor, OpenTextExtractor } from '../../features/types.js';
import { decodeRgb } from '../../media/decode.js';
import { type CaptionedPicture, readCaptionedPictures } from '../ingest/bulk/captioned-pictures.js';
import {
  type CaptionedRow,
  type CheckedRetrieval,
  compareOnPairs,
  LEAST_PAIRS,
} from './zero-shot-retrieval.js';

/** Rows of the folder that are read at most. */
const MOST_ROWS = 1000;
const EXTRACTED_AT_ONCE = 64;

export interface ModelCheckOptions {
  readonly mostRows?: number;
  readonly seed?: number;
  readonly onProgress?: (done: number, all: number, what: string) => void;
  readonly signal?: AbortSignal;
}

/** The speed of one side of a model. */
interface CheckedSide {
  readonly extractor: string;
  readonly dimension: number;
  readonly items: number;
  readonly perSecond: number;
}

export interface ModelCheck {
  readonly model: string;
  /** Null where the model has no such side, or the folder no captions. */
  readonly images: CheckedSide | null;
  readonly texts: CheckedSide | null;
  /** The space of both sides; null without one. */
  readonly space: string | null;
  /** On `pairs` pairs, which nothing was trained on; null without a shared space or with too few pairs. */
  readonly retrieval: { readonly pairs: number; readonly rows: readonly CheckedRetrieval[] } | null;
  readonly notes: readonly string[];
}

/**
 * Measures a model on a folder: the speed of each side on this machine and, where both sides share a space, zero-shot retrieval
 * on half of the pairs. Beside it stand the built-in extractors with a CCA that was trained on the other half, and chance.
 *
 * @throws CommonspaceError BAD_FOLDER, BAD_CONFIG, BAD_MODEL, PACKAGE_MISSING, MODEL_UNAVAILABLE, CANCELLED
 */
export async function checkModel(
  features: FeatureExtractors,
  name: string,
  folder: string,
  options: ModelCheckOptions,
): Promise<ModelCheck> {
  const { mostRows = MOST_ROWS, seed = 0, signal } = options;
  const { pictures, malformed } = await readCaptionedPictures(folder, signal);
  const notes = notesOn(malformed, pictures.length, mostRows);
  const rows = pictures.slice(0, mostRows);
  if (rows.length === 0)
    throw new CommonspaceError('BAD_FOLDER', 'The folder has no readable row.', ['folder']);
  const modalities = await features.modalitiesOf(name);
  if (modalities.length === 0) {
    throw new CommonspaceError('BAD_MODEL', `${name} has neither a graph of images nor one of texts.`);
  }
  const image = modalities.includes('IMAGE') ? await features.openImage(name) : null;
  const text = modalities.includes('TEXT') ? await features.openText(name) : null;
  const captioned = rows.filter((row): row is CaptionedRow => row.text !== null);
  const images = image === null ? null : await extractImages(image, rows, options);
  const texts = text === null || captioned.length === 0 ? null : await extractTexts(text, captioned, options);
  const space = image === null || text === null ? null : sharedSpace(image, text);
  const retrieval =
    space === null || images === null || texts === null
      ? null
      : await compareOnPairs(
          captioned,
          {
            image: rows.flatMap((row, i) => (row.text === null ? [] : [images.vectors[i] as Float32Array])),
            text: texts.vectors,
          },
          async () => ({
            image: (await extractImages(await features.openImage('default'), captioned, options)).vectors,
            text: (await extractTexts(await features.openText('default'), captioned, options)).vectors,
          }),
          seed,
        );
  if (space !== null && retrieval === null)
    notes.push(`Retrieval needs at least ${LEAST_PAIRS} pairs to measure on.`);
  throwIfCancelled(signal);
  return { model: name, images: images?.side ?? null, texts: texts?.side ?? null, space, retrieval, notes };
}

function notesOn(malformed: number, readable: number, mostRows: number): string[] {
  return [
    ...(malformed > 0 ? [`${malformed} malformed rows are left out.`] : []),
    ...(readable > mostRows ? [`The first ${mostRows} of ${readable} rows are used.`] : []),
  ];
}

interface Timed {
  readonly side: CheckedSide;
  readonly vectors: readonly Float32Array[];
}

async function extractImages(
  extractor: OpenImageExtractor,
  rows: readonly CaptionedPicture[],
  options: ModelCheckOptions,
): Promise<Timed> {
  return await timed(extractor, rows, options, 'pictures', async (batch) => {
    const pixels = await Promise.all(batch.map(({ path }) => decodeRgb(path, extractor.input)));
    return () => extractor.extract(pixels, { signal: options.signal });
  });
}

async function extractTexts(
  extractor: OpenTextExtractor,
  rows: readonly CaptionedRow[],
  options: ModelCheckOptions,
): Promise<Timed> {
  return await timed(extractor, rows, options, 'texts', async (batch) => {
    const texts = batch.map(({ text }) => text);
    return () => extractor.extract(texts, { signal: options.signal });
  });
}

/** Times the extraction alone, without decoding; the first batch loads the model and is extracted once before. */
async function timed<Row>(
  { id, dimension }: { readonly id: string; readonly dimension: number },
  rows: readonly Row[],
  { onProgress, signal }: ModelCheckOptions,
  what: string,
  prepare: (batch: readonly Row[]) => Promise<() => Promise<Float32Array[]>>,
): Promise<Timed> {
  const vectors: Float32Array[] = [];
  let seconds = 0;
  await (await prepare(rows.slice(0, 1)))();
  for (let start = 0; start < rows.length; start += EXTRACTED_AT_ONCE) {
    throwIfCancelled(signal);
    const extract = await prepare(rows.slice(start, start + EXTRACTED_AT_ONCE));
    const before = performance.now();
    vectors.push(...(await extract()));
    seconds += (performance.now() - before) / 1000;
    onProgress?.(vectors.length, rows.length, what);
  }
  const perSecond = rows.length / Math.max(seconds, 1e-6);
  return { side: { extractor: id, dimension, items: rows.length, perSecond }, vectors };
}
