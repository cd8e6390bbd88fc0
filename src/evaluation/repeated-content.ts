import type { Matrix } from '../domain/matrix.js';
import type { PairList } from './pair-table.js';
import { rowHashes } from './sibling-groups.js';

interface PairFeatures {
  readonly image: Matrix;
  readonly text: Matrix;
}

/** [measured rows]: whether the picture or the text of a row has the features of a training row's, byte for byte. */
export function repeatedRows(training: PairFeatures, measured: PairFeatures): boolean[] {
  const images = new Set(rowHashes(training.image));
  const texts = new Set(rowHashes(training.text));
  const textHashes = rowHashes(measured.text);
  return rowHashes(measured.image).map((hash, row) => images.has(hash) || texts.has(textHashes[row] ?? ''));
}

/** The contents of pairs: two items with the same bytes have one content, whatever their ids. */
export function contentsOf(pairs: PairList['pairs']): {
  readonly images: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
} {
  return {
    images: new Set(pairs.map(({ imageHash }) => imageHash)),
    texts: new Set(pairs.map(({ textHash }) => textHash)),
  };
}

/** Whether neither the picture nor the text of a pair has the content of one of these pairs. */
export function isNewTo(pairs: PairList['pairs']): (pair: PairList['pairs'][number]) => boolean {
  const { images, texts } = contentsOf(pairs);
  return ({ imageHash, textHash }) => !images.has(imageHash) && !texts.has(textHash);
}
