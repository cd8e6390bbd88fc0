/** Short forms of captions and titles as further texts of pairs: the rows of an epoch, with the text of each. */
import { type Matrix, rowOf, takeRows } from '../math/matrix.js';
import { createRandom } from '../math/random.js';
import type { FurtherTexts, TrainOptions } from '../types.js';

/** The further texts of prepared pairs, with normalised features. */
export interface PreparedTexts extends Pick<FurtherTexts, 'short' | 'titles'> {
  /** [M, components] */
  readonly text: Matrix;
}

/** The share of the pairs that an epoch has a second time with a text of each kind. */
export type TextShares = Pick<TrainOptions, 'shortTexts' | 'titleTexts'>;

/** Rows of an epoch: pairs, each with its caption or with a further text. A pair may be in several rows. */
export interface EpochRows {
  /** [rows]: indices of pairs. */
  readonly pairs: Int32Array;
  /** [rows]: a row of the further texts, or −1 for the caption. */
  readonly texts: Int32Array;
}

/** Streams of random numbers from here on draw texts: one for each network and epoch. */
const FIRST_STREAM = 1_000_000;
const MOST_EPOCHS = 1_000_000;

/** The kinds of further texts that a pair may have, each with its share. */
export function kindsOf(
  { short, titles }: Pick<PreparedTexts, 'short' | 'titles'>,
  { shortTexts, titleTexts }: TextShares,
) {
  return [
    { lists: short, share: shortTexts },
    { lists: titles, share: titleTexts },
  ];
}

/**
 * The rows of one epoch: each pair with its caption; after them, pairs drawn for a short form or a title, each with one of its own.
 * What is drawn depends on the seed, the network, the epoch and the index of the pair only, so a resumed training draws the same.
 *
 * @param pairs number of pairs
 */
export function drawRows(
  pairs: number,
  further: Pick<PreparedTexts, 'short' | 'titles'> | null,
  options: TextShares & Pick<TrainOptions, 'seed'>,
  member: number,
  epoch: number,
): EpochRows {
  const captions = captionRows(Int32Array.from({ length: pairs }, (_, pair) => pair));
  if (further === null) return captions;
  const random = createRandom(options.seed, FIRST_STREAM + member * MOST_EPOCHS + epoch);
  const rows = [...captions.pairs];
  const texts = [...captions.texts];
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const { lists, share } of kindsOf(further, options)) {
      // Both numbers are always drawn, so that the texts of one pair do not change those of the next.
      const [isDrawn, position] = [random.uniform() < share, random.uniform()];
      const own = lists[pair] ?? [];
      const text = own[Math.floor(position * own.length)];
      if (!isDrawn || text === undefined) continue;
      rows.push(pair);
      texts.push(text);
    }
  }
  return { pairs: Int32Array.from(rows), texts: Int32Array.from(texts) };
}

/** These pairs with their captions. */
export function captionRows(pairs: Int32Array): EpochRows {
  return { pairs, texts: new Int32Array(pairs.length).fill(-1) };
}

/** The rows of an epoch at these indices. */
export function selectEpochRows({ pairs, texts }: EpochRows, indices: Int32Array): EpochRows {
  return {
    pairs: indices.map((i) => pairs[i] as number),
    texts: indices.map((i) => texts[i] as number),
  };
}

/** [rows, components]: the text of each row. */
export function textsOf(
  captions: Matrix,
  further: PreparedTexts | null,
  { pairs, texts }: EpochRows,
): Matrix {
  const taken = takeRows(captions, pairs);
  if (further === null) return taken;
  texts.forEach((text, row) => {
    if (text >= 0) taken.data.set(rowOf(further.text, text), row * taken.columns);
  });
  return taken;
}
