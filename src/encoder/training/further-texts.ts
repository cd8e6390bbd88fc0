/** Short forms of captions and titles as further texts of pairs: the rows of an epoch, with the text of each. */
import { type Matrix, type Rows, rowOf, takeRows } from '../math/matrix.js';
import { createRandom, shuffle } from '../math/random.js';
import type { FurtherTexts, TrainOptions } from '../types.js';
import { pairsOfAnEpoch } from './scale.js';

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
/** Streams from here on draw the pairs of epochs, where an epoch has not all of them: one for each network and pass. */
const FIRST_PASS = 100_000_000;

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
 * The rows of one epoch: each of its pairs with its caption; after them, pairs drawn for a short form or a title, each with one of its own.
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
  const captions = captionRows(pairsOfEpoch(pairs, options.seed, member, epoch));
  if (further === null) return captions;
  const random = createRandom(options.seed, FIRST_STREAM + member * MOST_EPOCHS + epoch);
  const rows = [...captions.pairs];
  const texts = [...captions.texts];
  for (const pair of captions.pairs) {
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

/**
 * The pairs of an epoch: all of them, ascending; of many, the next `EPOCH_PAIRS` of a random order of all pairs. When too few are
 * left, the next epoch begins another order.
 */
function pairsOfEpoch(pairs: number, seed: number, member: number, epoch: number): Int32Array {
  const all = Int32Array.from({ length: pairs }, (_, pair) => pair);
  const size = pairsOfAnEpoch(pairs);
  if (size === pairs) return all;
  const perPass = Math.floor(pairs / size);
  // Epochs count from 1.
  const before = Math.max(0, epoch - 1);
  const pass = Math.floor(before / perPass);
  const start = (before % perPass) * size;
  const order = shuffle(all, createRandom(seed, FIRST_PASS + member * MOST_EPOCHS + pass));
  return order.slice(start, start + size);
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
export function textsOf(captions: Rows, further: PreparedTexts | null, { pairs, texts }: EpochRows): Matrix {
  const taken = takeRows(captions, pairs);
  if (further === null) return taken;
  texts.forEach((text, row) => {
    if (text >= 0) taken.data.set(rowOf(further.text, text), row * taken.columns);
  });
  return taken;
}
