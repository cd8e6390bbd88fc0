/** The data of bench/retrieval.ts: stored features, the rows of each protocol, and the training set. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Matrix, takeRows } from '../src/encoder/math/matrix.js';
import { createRandom, shuffle } from '../src/encoder/math/random.js';
import type { SourceSet } from '../src/encoder/types.js';
import { repeatedRows } from '../src/evaluation/repeated-content.js';
import { readNpy } from './npy.js';

export interface Features {
  readonly google: Matrix;
  readonly twitter: Matrix;
  readonly text: Matrix;
  /** [rows]: index of each row's subgroup in `names`. */
  readonly labels: Int32Array;
  readonly names: readonly string[];
}
export interface Protocol {
  readonly train: Int32Array;
  readonly test: Int32Array;
  readonly images: Matrix;
  /** Test rows that were left out because their image or text is that of a training row. */
  readonly repeated: number;
}

export function readFeatures(folder: string, suffix: string): Features {
  const read = (name: string) => readNpy(join(folder, `${name}.npy`));
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8')) as readonly {
    readonly subgroup: string;
  }[];
  const names = [...new Set(meta.map((row) => row.subgroup))].sort();
  const end = suffix === '' ? '' : `_${suffix}`;
  return {
    google: read(`image_google${end}`),
    twitter: read(`image_twitter${end}`),
    text: read('text'),
    labels: Int32Array.from(meta, (row) => names.indexOf(row.subgroup)),
    names,
  };
}

export function protocolOf(name: string, features: Features, seed: number): Protocol {
  const { google, text } = features;
  const { train, test, images } = drawRows(name, features, seed);
  const of = (rows: Int32Array, image: Matrix) => ({
    image: takeRows(image, rows),
    text: takeRows(text, rows),
  });
  const repeated = repeatedRows(of(train, google), of(test, images));
  const kept = test.filter((_, i) => !repeated[i]);
  return { train, images, test: kept, repeated: test.length - kept.length };
}

function drawRows(
  name: string,
  { google, twitter, labels, names }: Features,
  seed: number,
): Omit<Protocol, 'repeated'> {
  const all = Int32Array.from(labels, (_, i) => i);
  const random = createRandom(1000 + seed, 7);
  if (name === 'a' || name === 'b') {
    const order = shuffle(all, random);
    const cut = Math.round(order.length * 0.8);
    const images = name === 'a' ? google : twitter;
    return { train: order.slice(0, cut).sort(), test: order.slice(cut).sort(), images };
  }
  const classes = shuffle(
    Int32Array.from(names, (_, i) => i),
    random,
  );
  const seen = new Set(classes.subarray(0, classes.length >> 1));
  const isSeen = (row: number) => seen.has(labels[row] as number);
  return { train: all.filter(isSeen), test: all.filter((row) => !isSeen(row)), images: google };
}

/** Only the classes of the training rows. A class embedding is the mean feature of the class's training texts. */
export function sourceOf({ google, text, labels, names }: Features, rowsUsed: Int32Array): SourceSet {
  const present = [...new Set(rowsUsed.map((row) => labels[row] as number))].sort((a, b) => a - b);
  const indexOf = new Map(present.map((label, i) => [label, i]));
  const texts = takeRows(text, rowsUsed);
  const own = rowsUsed.map((row) => indexOf.get(labels[row] as number) ?? -1);
  const d = text.columns;
  const sums = new Float32Array(present.length * d);
  own.forEach((label, i) => {
    const count = own.filter((other) => other === label).length;
    for (let j = 0; j < d; j += 1)
      sums[label * d + j] = (sums[label * d + j] as number) + (texts.data[i * d + j] as number) / count;
  });
  return {
    image: takeRows(google, rowsUsed),
    text: texts,
    labels: own,
    classNames: present.map((label) => names[label] as string),
    classEmbeddings: { data: sums, rows: present.length, columns: d },
  };
}
