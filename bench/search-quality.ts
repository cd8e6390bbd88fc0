/**
 * Quality of whole searches in the demo's catalogue: the fused default beside each kind of evidence, by form of the query and
 * by which pictures have captions (docs/evaluation.md). Run it after `npm run build` and
 * `npm run demo -- --exit`; no server may use the folder.
 *
 *   npm run bench -- search-quality [options]
 *
 *   --data DIR          the catalogue; it is only read (default: ./data)
 *   --pairs N           pairs that are searched (default: 2000, which is all)
 *   --queries N         queries of each form (default: 200)
 *   --held-out N        queries of each form of held-out pairs (default: half of --queries)
 *   --lang zh           Chinese captions «一张…的图片» instead of the catalogue's, no titles, and queries in Chinese
 *   --captions 2        two captions a pair: the name with half of the tags, and the other half; no titles
 *   --style-key KEY     metadata key of the styles (default: vendor)
 *   --seed N            (default: 0)
 *   --json FILE         output file of all figures (default: bench/results/search-quality.json)
 *   --table FILE        also write the evidence of each query as JSON lines, for fitting coefficients
 */
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { searchQualityText } from '../src/cli/print-search-quality.js';
import { createProgress } from '../src/cli/progress.js';
import { openApp } from '../src/compose.js';
import { readConfig } from '../src/config.js';
import { emojiCatalogue } from '../src/demo/emoji-catalogue.js';
import { EVIDENCES } from '../src/domain/evidence.js';
import type {
  RankedQuery,
  SearchQualityOptions,
} from '../src/services/evaluate/search-quality/search-quality-service.js';
import type { SampleItem } from '../src/services/evaluate/search-quality/source-sample.js';

/** Candidates of a query in the table: the first by each kind of evidence, and the counterparts. */
const TABLE_DEPTH = 50;

const { values: args } = parseArgs({
  options: {
    data: { type: 'string', default: './data' },
    pairs: { type: 'string', default: '2000' },
    queries: { type: 'string', default: '200' },
    'held-out': { type: 'string' },
    lang: { type: 'string', default: 'en' },
    captions: { type: 'string', default: '1' },
    'style-key': { type: 'string', default: 'vendor' },
    seed: { type: 'string', default: '0' },
    json: { type: 'string', default: 'bench/results/search-quality.json' },
    table: { type: 'string' },
  },
});

const app = await openApp(readConfig({ dataDir: args.data }), console.error);
const progress = createProgress('searches');
const lines = args.table === undefined ? null : createWriteStream(args.table);
try {
  const queries = Number(args.queries);
  const record = await app.searchQuality.measure(
    {
      pairs: Number(args.pairs),
      queries: { every: queries, 'held-out': Number(args['held-out'] ?? Math.ceil(queries / 2)) },
      seed: Number(args.seed),
      styleKey: args['style-key'],
      ...(args.lang !== 'en'
        ? { recaption: captionsIn(args.lang) }
        : args.captions === '2'
          ? { recaption: twoCaptions() }
          : { otherNames: englishNames() }),
    },
    {
      onProgress: progress.update,
      onRanked: (ranked) => lines?.write(`${JSON.stringify(tableRow(ranked))}\n`),
    },
  );
  progress.stop();
  console.log(searchQualityText(record));
  mkdirSync(dirname(args.json), { recursive: true });
  writeFileSync(args.json, `${JSON.stringify(record, null, 1)}\n`);
} finally {
  progress.stop();
  lines?.end();
  await app.close();
}

/** Names of emoji by several vendors, e.g. `tada` for the party popper. */
function englishNames(): NonNullable<SearchQualityOptions['otherNames']> {
  const require = createRequire(import.meta.url);
  const names = new Map<string, Set<string>>();
  for (const set of ['github', 'emojibase', 'iamcal', 'joypixels']) {
    const file = require.resolve(`emojibase-data/en/shortcodes/${set}.json`);
    const codes = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string | string[]>;
    for (const [hexcode, given] of Object.entries(codes)) {
      const known = names.get(hexcode) ?? new Set();
      names.set(hexcode, known);
      for (const name of [given].flat()) known.add(name.replaceAll(/[_-]+/g, ' ').trim());
    }
  }
  return (items) => [...(names.get(hexcodeOf(items)) ?? [])].filter((name) => /^[a-z ]+$/.test(name));
}

function hexcodeOf([item]: readonly SampleItem[]): string {
  return String(item?.row.metadata.hexcode);
}

/** The name of each emoji in a language: as the title that queries are made from, and in a caption. */
function captionsIn(language: string): NonNullable<SearchQualityOptions['recaption']> {
  const labels = new Map(emojiCatalogue(language).map(({ hexcode, label }) => [hexcode, label]));
  return (items) => {
    const name = labels.get(hexcodeOf(items));
    if (name === undefined) return null;
    return { name, texts: [language.startsWith('zh') ? `一张${name}的图片` : name], language };
  };
}

/** The caption of each emoji in two; emoji with fewer than two tags are left out. */
function twoCaptions(): NonNullable<SearchQualityOptions['recaption']> {
  const entries = new Map(emojiCatalogue().map((entry) => [entry.hexcode, entry]));
  return (items) => {
    const entry = entries.get(hexcodeOf(items));
    const tags = entry?.tags.filter((tag) => tag !== entry.label) ?? [];
    if (entry === undefined || tags.length < 2) return null;
    const half = Math.floor(tags.length / 2);
    const texts = [[entry.label, ...tags.slice(0, half)].join(', '), tags.slice(half).join(', ')];
    return { name: entry.label, texts, language: 'en' };
  };
}

/** The similarities that each candidate has, to five digits. */
function tableRow({ query, target, scenario, ranking, counterparts }: RankedQuery) {
  const kept = new Set<string>();
  for (const evidence of EVIDENCES) {
    const ranked = ranking.candidates
      .flatMap(({ id, similarities: { [evidence]: by } }) => (by === undefined ? [] : [{ id, by }]))
      .sort((a, b) => b.by - a.by);
    for (const { id } of ranked.slice(0, TABLE_DEPTH)) kept.add(id);
  }
  return {
    form: query.form,
    language: query.language,
    scenario,
    target,
    modality: query.modality,
    heldOut: query.heldOut,
    pools: [...query.pools],
    text: query.text,
    counterparts: counterparts.size,
    candidates: ranking.candidates
      .filter(({ id }) => kept.has(id) || counterparts.has(id))
      .map(({ id, similarities }) => ({
        similarities: Object.fromEntries(
          Object.entries(similarities).map(([evidence, value]) => [evidence, Number(value.toFixed(5))]),
        ),
        relevant: counterparts.has(id),
      })),
  };
}
