/**
 * Time, memory and quality of trainings by number of pairs, on synthetic pairs. Run it after `npm run build`:
 *
 *   npm run bench -- training [options]
 *
 *   --pairs LIST   numbers of pairs (default: 10000,100000)
 *   --preset NAME  paper or default (default: default)
 *   --tune WHAT    none, pairs or classes (default: none)
 *   --epochs N     of each network (default: the preset's); fewer show time and memory, but not retrieval
 *   --seed N       of pairs and trainings (default: 0)
 *   --json FILE    output file of the JSON (default: bench/results/training.json)
 *   --database URL a Postgres server of one's own (scripts/native-postgres.sh starts one). It measures a catalogue with that many
 *                  pairs instead: by how much the serving process grows and for how long its event loop is blocked, with --epochs 1
 *                  if not given. The benchmark creates a database there and drops it.
 *
 * Each training runs in a process of its own. The pairs are in files of rows, as those of a
 * catalogue are: 4 kB a pair in the folder for temporary files, and 2 kB more while it trains. map is measured on 2,000 further pairs.
 */
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { evaluateRetrieval } from '../src/domain/metrics.js';
import { loadEncoder } from '../src/encoder/inference/serialise.js';
import { pairsOfAnEpoch } from '../src/encoder/training/scale.js';
import { trainEncoder } from '../src/encoder/training/train-encoder.js';
import type { Encoder, PresetName, SourceSet, Tuning } from '../src/encoder/types.js';
import { ProcessWatch } from './process-watch.js';
import { measureServing, type ServingResult } from './training-catalogue.js';
import { Mixture } from './training-data.js';

interface Result {
  readonly pairs: number;
  /** Of the training. */
  readonly seconds: number;
  /** Processor time of the training's process. */
  readonly cpuSeconds: number;
  /** Until the first epoch. */
  readonly preparing: number;
  /** Median over the epochs. */
  readonly secondsPerStep: number;
  readonly steps: number;
  /** Peak resident memory of the training's process, in MB. */
  readonly peak: number;
  /** By how much the resident memory of the calling process grew at most, in MB. */
  readonly caller: number;
  readonly map: number;
  readonly recallAt10: number;
}

const HELD_OUT = 2000;

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000,100000' },
    preset: { type: 'string', default: 'default' },
    tune: { type: 'string', default: 'none' },
    epochs: { type: 'string' },
    seed: { type: 'string', default: '0' },
    database: { type: 'string' },
    json: { type: 'string', default: 'bench/results/training.json' },
    /** Measures this one training and sends the result to the parent process. */
    one: { type: 'string' },
  },
});
const seed = Number(options.seed);

async function measure(pairs: number): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
  try {
    return await measureIn(folder, pairs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureIn(folder: string, pairs: number): Promise<Result> {
  const mixture = new Mixture(seed);
  const held = mixture.take(HELD_OUT);
  const source = await mixture.store(pairs, folder);
  global.gc?.();
  const processes = new ProcessWatch();
  const started = performance.now();
  let preparing = 0;
  const perPair: number[] = [];
  const trained = await trainEncoder(
    source,
    {
      preset: options.preset as PresetName,
      tune: options.tune as Tuning,
      seed,
      ...(options.epochs !== undefined && { epochs: Number(options.epochs) }),
    },
    {
      onProgress: (progress) => {
        if (progress.kind === 'prepare') process.stderr.write(`  ${progress.message}\n`);
        if (progress.kind !== 'epoch') return;
        if (progress.epoch === 1) preparing = (performance.now() - started) / 1000;
        perPair.push(1 / progress.pairsPerSecond);
      },
    },
  );
  const seconds = (performance.now() - started) / 1000;
  const { cpuSeconds, peak, caller } = processes.stop();
  const { map, recall } = figures(loadEncoder(trained.bytes), held);
  const { batchSize } = trained.options;
  return {
    pairs,
    seconds,
    cpuSeconds,
    preparing,
    secondsPerStep: median(perPair) * batchSize,
    steps: Math.round((pairsOfAnEpoch(pairs) * trained.epochs) / batchSize),
    peak,
    caller,
    map: map ?? 0,
    recallAt10: recall[10] ?? 0,
  };
}

function figures(encoder: Encoder, { image, text, labels }: SourceSet) {
  const pairs = Int32Array.from(labels.keys());
  return evaluateRetrieval(
    { embeddings: encoder.embedMany('IMAGE', image), classes: labels, pairs },
    { embeddings: encoder.embedMany('TEXT', text), classes: labels, pairs },
  ).mean;
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Runs one training in a process of its own. */
async function inProcess<Of>(pairs: number): Promise<Of> {
  const runner = fileURLToPath(new URL('./run.mjs', import.meta.url));
  const { preset, tune } = options;
  const epochs = options.epochs === undefined ? [] : ['--epochs', options.epochs];
  const database = options.database === undefined ? [] : ['--database', options.database];
  const given = ['--preset', preset, '--tune', tune, '--seed', options.seed, ...epochs, ...database];
  const child = fork(runner, ['training', ...given, '--one', String(pairs)], { execArgv: ['--expose-gc'] });
  return await new Promise((resolve, reject) => {
    child.on('message', (message) => resolve(message as Of));
    child.on('exit', (code) => reject(new Error(`the training of ${pairs} pairs ended with code ${code}`)));
  });
}

function print(results: readonly Result[]): void {
  const table = new Table({
    head: [
      'pairs',
      'seconds',
      'processor s',
      'preparing s',
      'ms a step',
      'steps',
      'peak MB',
      'caller MB',
      'map',
      'R@10',
    ],
  });
  for (const r of results) {
    const times = [r.seconds, r.cpuSeconds, r.preparing].map((s) => s.toFixed(1));
    const perStep = (r.secondsPerStep * 1000).toFixed(1);
    const [peak, caller] = [r.peak.toFixed(0), r.caller.toFixed(0)];
    table.push([
      r.pairs,
      ...times,
      perStep,
      r.steps,
      peak,
      caller,
      r.map.toFixed(4),
      r.recallAt10.toFixed(4),
    ]);
  }
  console.log(table.toString());
}

async function each<Of>(): Promise<Of[]> {
  const results: Of[] = [];
  for (const pairs of options.pairs.split(',').map(Number)) {
    process.stderr.write(`${pairs} pairs\n`);
    const result = await inProcess<Of>(pairs);
    process.stderr.write(`${JSON.stringify(result)}\n`);
    results.push(result);
  }
  return results;
}

function printServing(results: readonly ServingResult[]): void {
  const head = [
    'pairs',
    'inserting s',
    'training s',
    'rest MB',
    'growth MB',
    'longest stall ms',
    'in',
    'other peak MB',
  ];
  const table = new Table({ head });
  for (const r of results) {
    const numbers = [r.inserting, r.seconds, r.rest, r.growth, r.stall].map((x) => x.toFixed(0));
    table.push([r.pairs, ...numbers, r.stallIn, r.peak.toFixed(0)]);
  }
  console.log(table.toString());
}

if (options.one === undefined) {
  const results = options.database === undefined ? await each<Result>() : await each<ServingResult>();
  if (options.database === undefined) print(results as Result[]);
  else printServing(results as ServingResult[]);
  await mkdir(dirname(options.json), { recursive: true });
  const about = { cpu: cpus()[0]?.model, preset: options.preset, tune: options.tune, seed };
  await writeFile(options.json, `${JSON.stringify({ ...about, results }, null, 2)}\n`);
} else {
  const pairs = Number(options.one);
  const { database } = options;
  const epochs = Number(options.epochs ?? 1);
  process.send?.(
    database === undefined ? await measure(pairs) : await measureServing(pairs, { database, seed, epochs }),
  );
  process.disconnect();
}
