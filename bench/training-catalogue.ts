/** What a training of a catalogue does to the process that serves it: generated pairs in a database of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { featurePartition } from '../src/catalog/vectors/vector-partitions.js';
import { openApp } from '../src/compose.js';
import { readConfig } from '../src/config.js';
import type { App } from '../src/services/app.js';
import type { TrainingProgress } from '../src/services/encoders/training-progress.js';
import { LoopWatch, ProcessWatch } from './process-watch.js';

export interface ServingResult {
  readonly pairs: number;
  /** Of the insertion, and of the training without its embeddings. */
  readonly inserting: number;
  readonly seconds: number;
  /** Resident memory of the serving process before, and its highest growth, in MB. */
  readonly rest: number;
  readonly growth: number;
  /** The longest processor time, in ms, of the serving process's main thread between two turns of its event loop, and in which stage. */
  readonly stall: number;
  readonly stallIn: string;
  /** Peak resident memory of the processes that split, train and measure, in MB. */
  readonly peak: number;
}

export interface ServingOptions {
  /** Of a superuser, on a server of one's own: a database is created and dropped. */
  readonly database: string;
  readonly seed: number;
  /** Of each network. */
  readonly epochs: number;
}

/** Numbers of a feature: few, so that a million pairs are stored in minutes. */
const COLUMNS = 64;
const CLASSES = 100;
/** Pairs that a statement stores. */
const PAIRS_AT_ONCE = 50_000;

/** Pairs of a first training, after which the serving process is at rest. */
const FIRST_PAIRS = 2000;
/** With more pairs the training is stopped after its first epoch: the rest of it takes long in a process of its own. */
const MOST_WHOLE = 100_000;

/** Trains on that many pairs, up to the embedding of the catalogue, which does not depend on the list of pairs. */
export async function measureServing(pairs: number, options: ServingOptions): Promise<ServingResult> {
  const name = `commonspace_bench_${process.pid}`;
  const url = new URL(options.database);
  const admin = new pg.Client({ connectionString: options.database });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'commonspace-bench-'));
  try {
    const app = await openApp(readConfig({ dataDir }, { DATABASE_URL: url.href }), console.error);
    try {
      const started = performance.now();
      const extractors = { image: app.imageExtractors.byDefault.id, text: app.textExtractors.byDefault.id };
      await insert(url.href, { from: 0, to: FIRST_PAIRS }, extractors);
      // Code that is used for the first time is loaded and compiled, which is not a matter of the number of pairs.
      await train(app, options, ({ stage }) => stage === 'train');
      await insert(url.href, { from: FIRST_PAIRS, to: pairs }, extractors);
      const inserting = (performance.now() - started) / 1000;
      const isLast = (progress: TrainingProgress) =>
        pairs > MOST_WHOLE && progress.stage === 'train' && progress.progress.kind === 'epoch';
      return { pairs, inserting, ...(await train(app, options, isLast)) };
    } finally {
      await app.close();
    }
  } finally {
    await rm(dataDir, { recursive: true });
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

async function train(
  app: App,
  { seed, epochs }: ServingOptions,
  isLast: (progress: TrainingProgress) => boolean,
) {
  await app.warmUp();
  await setTimeout(1000);
  global.gc?.();
  const rest = process.memoryUsage.rss() / 2 ** 20;
  const processes = new ProcessWatch();
  const loop = new LoopWatch();
  const stalls = new Map<string, number>();
  let stage = 'split';
  const note = () => {
    stalls.set(stage, Math.max(stalls.get(stage) ?? 0, loop.longest()));
  };
  const started = performance.now();
  const stop = new AbortController();
  const training = app.training.train(
    {
      preset: 'default',
      seed,
      unseen: ['class 1', 'class 2'],
      holdout: 0.1,
      epochs,
      learnFrom: null,
      // Further texts have the features of the extractor, which are wider.
      options: { tune: 'none', shortTexts: 0, titleTexts: 0 },
    },
    {
      signal: stop.signal,
      onProgress: (progress) => {
        note();
        if (progress.stage === 'embed' || isLast(progress)) stop.abort();
        stage = progress.stage;
      },
    },
  );
  await training.catch((error: { readonly code?: string }) => {
    if (error.code !== 'CANCELLED') throw error;
  });
  note();
  loop.stop();
  const [stallIn, stall] = [...stalls].reduce((a, b) => (b[1] > a[1] ? b : a));
  const { peak, caller } = processes.stop();
  return { seconds: (performance.now() - started) / 1000, rest, growth: caller, stall, stallIn, peak };
}

/** Pair n is an image and a text of class n mod CLASSES, with random features. */
async function insert(
  url: string,
  pairs: { readonly from: number; readonly to: number },
  extractors: { readonly image: string; readonly text: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const id = (kind: number, n: string) =>
    `('0000000${kind}-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`;
  const vector = (of: string) =>
    `(SELECT array_agg(random() - 0.5) FROM generate_series(1, ${COLUMNS}) WHERE ${of} IS NOT NULL)::vector`;
  const { image, text } = extractors;
  try {
    // Foreign keys hold by construction, and checking each of them takes longer than the rows.
    await client.query(`SET session_replication_role = replica; SELECT setseed(0.5)`);
    if (pairs.from === 0) {
      for (const extractor of [image, text])
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${featurePartition(extractor)} PARTITION OF feature FOR VALUES IN ('${extractor}')`,
        );
      await client.query(
        `INSERT INTO class (id, name) SELECT ${id(4, 'c')}, 'class ' || c FROM generate_series(0, ${CLASSES - 1}) c`,
      );
      await client.query(
        `INSERT INTO class_feature SELECT ${id(4, 'c')}, $1, ${vector('c')} FROM generate_series(0, ${CLASSES - 1}) c`,
        [text],
      );
    }
    for (let start = pairs.from; start < pairs.to; start += PAIRS_AT_ONCE) {
      const until = Math.min(pairs.to, start + PAIRS_AT_ONCE);
      const rows = `generate_series(${start}, ${until - 1}) n`;
      const hash = (kind: string) => `encode(sha256(('${kind} ' || n)::bytea), 'hex')`;
      await client.query(`INSERT INTO pair (id, key) SELECT ${id(3, 'n')}, 'pair ' || n FROM ${rows}`);
      await client.query(
        `INSERT INTO item (id, modality, content_hash, media_type, width, height, pair_id)
         SELECT ${id(1, 'n')}, 'IMAGE', ${hash('image')}, 'image/png', 64, 64, ${id(3, 'n')} FROM ${rows}`,
      );
      await client.query(
        `INSERT INTO item (id, modality, content_hash, text, pair_id)
         SELECT ${id(2, 'n')}, 'TEXT', ${hash('text')}, 'picture ' || n, ${id(3, 'n')} FROM ${rows}`,
      );
      for (const [kind, extractor] of [
        [1, image],
        [2, text],
      ] as const) {
        await client.query(
          `INSERT INTO feature SELECT ${id(kind, 'n')}, '${extractor}', ${vector('n')} FROM ${rows}`,
        );
        await client.query(
          `INSERT INTO item_class SELECT ${id(kind, 'n')}, ${id(4, `(n % ${CLASSES})`)} FROM ${rows}`,
        );
      }
      process.stderr.write(`  ${until} pairs stored\n`);
    }
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}
