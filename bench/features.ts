/**
 * The quality of the extractors' features without training, and their cost: the tables of docs/decisions/0004-features.md.
 * Run it after `npm run build`.
 *
 *   node bench/run.mjs features [options]
 *
 *   --image NAME    default, hsv-hog or dir:PATH[#DESCRIPTION]; repeatable (default: default and hsv-hog)
 *   --dump DIR      write features as .npy files for bench/retrieval: text.npy, meta.json, image_google_NAME.npy …
 *   --no-text       skip the texts
 *   --out FILE      output file of the JSON (default: bench/results/features.json)
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type EmojiEntry, emojiCatalogue } from '../src/demo/emoji-catalogue.js';
import { createFeatureExtractors } from '../src/features/create-feature-extractors.js';
import type { FeatureExtractors } from '../src/features/types.js';
import { decodeRgb } from '../src/media/decode.js';
import { counterparts, neighbours, percentile, ranked } from './features-measures.js';

const QUERIES = {
  en: [
    'a striped big cat',
    'weather with snow',
    'something to drink with alcohol',
    'wine glass',
    'TIGER',
    'ｔｉｇｅｒ',
  ],
  zh: ['老虎', '雪', '葡萄酒'],
  fr: ['tigre', 'neige'],
  es: ['tigre', 'copa de vino'],
} as const;

const { values: args } = parseArgs({
  options: {
    image: { type: 'string', multiple: true, default: ['default', 'hsv-hog'] },
    dump: { type: 'string' },
    text: { type: 'boolean', default: true },
    out: { type: 'string', default: 'bench/results/features.json' },
  },
  allowNegative: true,
});

const catalogue = emojiCatalogue();
const images = [];
for (const name of args.image) images.push(await withExtractors(name, measureImages));
const text = args.text ? await withExtractors('hsv-hog', measureTexts) : null;

mkdirSync(dirname(args.out), { recursive: true });
writeFileSync(args.out, `${JSON.stringify({ items: catalogue.length, images, text }, null, 1)}\n`);
print(images);
if (text) {
  print(text.retrieval);
  print(text.speed);
  print(text.queries);
}

async function withExtractors<T>(
  name: string,
  work: (features: FeatureExtractors) => Promise<T>,
): Promise<T> {
  const features = await createFeatureExtractors({ image: name });
  try {
    await features.warmUp();
    return await work(features);
  } finally {
    await features.close();
  }
}

async function measureImages(features: FeatureExtractors) {
  const read = (file: 'googleFile' | 'twitterFile') =>
    Promise.all(catalogue.map((entry) => decodeRgb(readFileSync(entry[file]), features.image.input)));
  const [google, twitter] = [await read('googleFile'), await read('twitterFile')];
  const googleRows = await features.image.extract(google);
  // Only the second set is timed: the first one starts the threads and loads the models.
  const start = performance.now();
  const twitterRows = await features.image.extract(twitter);
  const milliseconds = (performance.now() - start) / twitter.length;
  const rss = process.memoryUsage().rss / 1e6;
  if (args.dump !== undefined) {
    const name = features.image.id.replace(/[^\w.+-]/g, '_');
    dump(`image_google_${name}`, googleRows);
    dump(`image_twitter_${name}`, twitterRows);
  }
  const near = neighbours(googleRows, catalogue);
  const found = counterparts(googleRows, twitterRows);
  return {
    extractor: features.image.id,
    dimension: features.image.dimension,
    'nearest: subgroup': near.subgroup,
    'nearest: group': near.group,
    'Google → Twitter R@1': found.recallAt1,
    'R@10': found.recallAt10,
    'ms per image': milliseconds,
    'process, MB': rss,
  };
}

async function measureTexts(features: FeatureExtractors) {
  const retrieval = [];
  const queries = [];
  const speed: Record<string, string | number>[] = [];
  for (const language of ['en', 'zh', 'fr', 'es'] as const) {
    const entries = emojiCatalogue(language);
    const labels = await features.text.extract(entries.map((entry) => entry.label));
    const tags = await features.text.extract(entries.map(tagsAlone));
    const start = performance.now();
    const captions = await features.text.extract(entries.map((entry) => entry.text));
    speed.push({
      what: `captions, ${language}`,
      'ms per text': (performance.now() - start) / entries.length,
    });
    const unseen = counterparts(labels, tags);
    const seen = counterparts(labels, captions);
    retrieval.push({
      language,
      'name → tags R@1': unseen.recallAt1,
      'name → tags R@10': unseen.recallAt10,
      'name → caption R@1': seen.recallAt1,
      'name → caption R@10': seen.recallAt10,
      'captions, nearest: subgroup': neighbours(captions, entries).subgroup,
    });
    for (const query of QUERIES[language]) {
      const [feature] = await features.text.extract([query]);
      const found = ranked(feature as Float32Array, captions).slice(0, 5);
      queries.push({ query, found: found.map((i) => entries[i]?.label).join(' · ') });
    }
    if (language === 'en' && args.dump !== undefined) {
      dump('text', captions);
      const meta = entries.map(({ hexcode, label, subgroup, group }) => ({
        hexcode,
        label,
        subgroup,
        group,
      }));
      writeFileSync(join(args.dump, 'meta.json'), JSON.stringify(meta));
    }
  }
  const times: number[] = [];
  for (const { label } of catalogue.slice(0, 200)) {
    const start = performance.now();
    await features.text.extract([`a picture of ${label}`]);
    times.push(performance.now() - start);
  }
  speed.push({ what: 'one query, p50', 'ms per text': percentile(times, 0.5) });
  speed.push({ what: 'one query, p95', 'ms per text': percentile(times, 0.95) });
  const long = catalogue.map((entry) => entry.text).join('. ');
  for (const size of [1_000, 10_000]) {
    const start = performance.now();
    await features.text.extract([long.slice(0, size)]);
    speed.push({ what: `one text of ${size} characters`, 'ms per text': performance.now() - start });
  }
  return { extractor: features.text.id, dimension: features.text.dimension, retrieval, speed, queries };
}

/** The tags of an emoji without its name; the name if there are no others. */
function tagsAlone({ label, tags }: EmojiEntry): string {
  return tags.filter((tag) => tag.toLowerCase() !== label.toLowerCase()).join(', ') || label;
}

/** Writes [rows, dimension] of little-endian float32 in the NumPy format 1.0. */
function dump(name: string, rows: readonly Float32Array[]): void {
  const folder = args.dump ?? '.';
  const shape = `(${rows.length}, ${rows[0]?.length ?? 0})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }`;
  // The data start at a multiple of 64 bytes, after magic, version and length (10 bytes), the header and a line feed.
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from(`\u0093NUMPY\u0001\u0000..${padded}`, 'latin1');
  head.writeUInt16LE(padded.length, 8);
  mkdirSync(folder, { recursive: true });
  const body = rows.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength));
  writeFileSync(join(folder, `${name}.npy`), Buffer.concat([head, ...body]));
}

function print(rows: readonly Readonly<Record<string, string | number>>[]): void {
  const head = Object.keys(rows[0] ?? {});
  const table = new Table({ head, style: { head: [], border: [] } });
  const cell = (value: string | number | undefined) =>
    typeof value !== 'number' ? String(value) : Number.isInteger(value) ? String(value) : value.toFixed(3);
  for (const row of rows) table.push(head.map((column) => cell(row[column])));
  console.log(table.toString());
}
