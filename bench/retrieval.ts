/**
 * Reproduces the table of docs/decisions/0005-encoder.md from a folder of stored features (bench/emoji-features.mjs).
 *
 *   node bench/run.mjs retrieval --features DIR [options]
 *
 *   --features DIR   image_google.npy, image_twitter.npy (with a suffix: see --image), text.npy, meta.json
 *   --image SUFFIX   use image_google_SUFFIX.npy and image_twitter_SUFFIX.npy
 *   --preset NAME    paper or default; repeatable (default: both)
 *   --seeds 0,1,2    seeds of the split and the training
 *   --only a,b,d     protocols
 *   --out FILE       output file of the JSON (default: standard output)
 *
 * Protocol a: Google's images, 80/20 split of the pairs. b: the same split and training set; Twitter's images of the held-out
 * pairs against their texts, so that both sides are new to the encoder. d: half of the subgroups are unseen, and queries and
 * gallery are their pairs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluateRetrieval, type RetrievalReport } from '../src/domain/metrics.js';
import { trainCca } from '../src/encoder/baselines/train-cca.js';
import { loadEncoder } from '../src/encoder/inference/serialise.js';
import { type Matrix, takeRows } from '../src/encoder/math/matrix.js';
import { createRandom, shuffle } from '../src/encoder/math/random.js';
import { trainInThisThread } from '../src/encoder/training/trainer.js';
import type { Encoder, PresetName, SourceSet } from '../src/encoder/types.js';
import { readNpy } from './npy.js';

interface Features {
  readonly google: Matrix;
  readonly twitter: Matrix;
  readonly text: Matrix;
  /** [rows]: index of each row's subgroup in `names`. */
  readonly labels: Int32Array;
  readonly names: readonly string[];
}
interface Protocol {
  readonly train: Int32Array;
  readonly test: Int32Array;
  readonly images: Matrix;
}

/** The queries and the gallery of each protocol. None of their images and texts is in the training set. */
const MEASURED: Readonly<Record<string, string>> = {
  a: 'held-out pairs',
  b: "held-out pairs with the other vendor's images",
  d: 'pairs of unseen subgroups',
};

interface Row {
  readonly protocol: string;
  readonly seed: number;
  readonly method: string;
  readonly map: number | null;
  readonly recallAt10: number | null;
  readonly recallAt1: number | null;
  readonly chanceMap: number | null;
  readonly chanceRecallAt10: number | null;
  readonly trainSeconds: number;
}

const { values: args } = parseArgs({
  options: {
    features: { type: 'string' },
    image: { type: 'string', default: '' },
    preset: { type: 'string', multiple: true, default: ['paper', 'default'] },
    seeds: { type: 'string', default: '0,1,2' },
    only: { type: 'string', default: 'a,b,d' },
    out: { type: 'string' },
  },
});
if (args.features === undefined) throw new Error('--features DIR is required');

const features = readFeatures(args.features, args.image);
const rows: Row[] = [];
for (const name of args.only.split(',')) {
  for (const seed of args.seeds.split(',').map(Number)) {
    const protocol = protocolOf(name, features, seed);
    const source = sourceOf(features, protocol.train);
    const cca = await trainCca(source, { seed });
    record(name, seed, 'cca', measure(cca.encoder, features, protocol), cca.seconds);
    for (const preset of args.preset) {
      const trained = await trainInThisThread(source, { preset: preset as PresetName, seed });
      record(name, seed, preset, measure(loadEncoder(trained.bytes), features, protocol), trained.seconds);
    }
  }
}
const json = `${JSON.stringify({ rows, means: means(rows) }, null, 1)}\n`;
if (args.out === undefined) console.log(json);
else writeFileSync(args.out, json);
console.error(table(means(rows)));

function readFeatures(folder: string, suffix: string): Features {
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

function protocolOf(name: string, { google, twitter, labels, names }: Features, seed: number): Protocol {
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
function sourceOf({ google, text, labels, names }: Features, rowsUsed: Int32Array): SourceSet {
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

function measure(encoder: Encoder, { text, labels }: Features, { test, images }: Protocol): RetrievalReport {
  const classes = test.map((row) => labels[row] as number);
  const image = encoder.embedMany('IMAGE', takeRows(images, test));
  const texts = encoder.embedMany('TEXT', takeRows(text, test));
  return evaluateRetrieval(
    { embeddings: image, classes, pairs: test },
    { embeddings: texts, classes, pairs: test },
  );
}

function record(
  protocol: string,
  seed: number,
  method: string,
  { mean, chance }: RetrievalReport,
  trainSeconds: number,
): void {
  const row: Row = {
    protocol,
    seed,
    method,
    map: mean.map,
    recallAt10: mean.recall[10],
    recallAt1: mean.recall[1],
    chanceMap: chance.map,
    chanceRecallAt10: chance.recall[10],
    trainSeconds,
  };
  rows.push(row);
  console.error(JSON.stringify(row));
}

function means(all: readonly Row[]): Row[] {
  const groups = new Map<string, Row[]>();
  for (const row of all) {
    const key = `${row.protocol} ${row.method}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const average = (group: readonly Row[], get: (row: Row) => number | null) =>
    group.reduce((sum, row) => sum + (get(row) ?? Number.NaN), 0) / group.length;
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const of = (get: (row: Row) => number | null) => average(group, get);
    return [
      {
        ...first,
        seed: group.length,
        map: of((row) => row.map),
        recallAt10: of((row) => row.recallAt10),
        recallAt1: of((row) => row.recallAt1),
        chanceMap: of((row) => row.chanceMap),
        chanceRecallAt10: of((row) => row.chanceRecallAt10),
        trainSeconds: of((row) => row.trainSeconds),
      },
    ];
  });
}

function table(averaged: readonly Row[]): string {
  const f = (x: number | null) => (x === null ? '–' : x.toFixed(3));
  const lines = averaged.map(
    (r) =>
      `| ${r.protocol} | ${MEASURED[r.protocol] ?? ''} | ${r.method} | ${f(r.map)} / ${f(r.recallAt10)} | ${f(r.recallAt1)} | ${f(r.chanceMap)} / ${f(r.chanceRecallAt10)} | ${r.trainSeconds.toFixed(0)} |`,
  );
  return [
    '| protocol | new to the encoder | method | MAP@all / Recall@10 | Recall@1 | chance | seconds |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
