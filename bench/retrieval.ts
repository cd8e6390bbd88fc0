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
 *   --no-tune        take the presets unchanged; else options are chosen on held-out pairs, for protocol d on held-out classes
 *   --set JSON       options of the trainings, over those of the presets
 *   --out FILE       output file of the JSON (default: standard output)
 *
 * Protocol a: Google's images, 80/20 split of the pairs. b: the same split and training set; Twitter's images of the held-out
 * pairs against their texts, so that both sides are new to the encoder. d: half of the subgroups are unseen, and queries and
 * gallery are their pairs. A test row whose image or text has the features of a training row's, byte for byte, is left out.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { evaluateRetrieval, type RetrievalReport } from '../src/domain/metrics.js';
import { trainCca } from '../src/encoder/baselines/train-cca.js';
import { loadEncoder } from '../src/encoder/inference/serialise.js';
import { takeRows } from '../src/encoder/math/matrix.js';
import { trainInThisThread } from '../src/encoder/training/trainer.js';
import type { Encoder, PresetName, TrainOptionsInput } from '../src/encoder/types.js';
import { type Features, type Protocol, protocolOf, readFeatures, sourceOf } from './retrieval-data.js';

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
  allowNegative: true,
  options: {
    features: { type: 'string' },
    image: { type: 'string', default: '' },
    preset: { type: 'string', multiple: true, default: ['paper', 'default'] },
    seeds: { type: 'string', default: '0,1,2' },
    only: { type: 'string', default: 'a,b,d' },
    tune: { type: 'boolean', default: true },
    set: { type: 'string', default: '{}' },
    out: { type: 'string' },
  },
});
if (args.features === undefined) throw new Error('--features DIR is required');

const set = JSON.parse(args.set) as TrainOptionsInput;
const features = readFeatures(args.features, args.image);
const rows: Row[] = [];
for (const name of args.only.split(',')) {
  for (const seed of args.seeds.split(',').map(Number)) {
    const protocol = protocolOf(name, features, seed);
    if (protocol.repeated > 0)
      console.error(
        `${name}, seed ${seed}: ${protocol.repeated} test rows repeat a training row and are left out`,
      );
    const source = sourceOf(features, protocol.train);
    const validationBy = name === 'd' ? 'classes' : 'pairs';
    const cca = await trainCca(source, { seed, dimension: 128, validationBy });
    record(name, seed, 'cca', measure(cca.encoder, features, protocol), cca.seconds);
    for (const preset of args.preset) {
      const tune = args.tune ? validationBy : 'none';
      const options = { tune, ...set, preset: preset as PresetName, seed } as const;
      const trained = await trainInThisThread(source, options);
      record(name, seed, preset, measure(loadEncoder(trained.bytes), features, protocol), trained.seconds);
    }
  }
}
const json = `${JSON.stringify({ rows, means: means(rows) }, null, 1)}\n`;
if (args.out === undefined) console.log(json);
else writeFileSync(args.out, json);
console.error(table(means(rows)));

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
