/**
 * Leaves out each family of MASLN's terms by turns and measures what is lost. docs/measurements/ablation.md has the tables.
 *
 *   node bench/run.mjs ablation --out FILE [options]
 *
 *   --out FILE            a line of JSON for each training; trainings that it has already are not repeated
 *   --bundle DIR          a folder of features, as `commonspace evaluate --bundle` takes it; repeatable
 *   --emoji DIR[:SUFFIX]  output of bench/emoji-features.mjs, and which image features (default: joined); repeatable
 *   --seeds 0,1,2,3,4
 *
 * Each training is one network of the preset `default`, without tuning and with all its epochs, so that a difference comes from
 * the terms. Under `all` the network sees every class; under `unseen`, queries and gallery are of classes that it does not see. Where
 * a folder has splits, each seed takes another one in turn. Emoji are trained on Google's images, and measured with those and
 * with Twitter's.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { scoreQueries } from '../src/domain/metrics-scores.js';
import { createEncoder } from '../src/encoder/inference/create-encoder.js';
import { encoderOfPart } from '../src/encoder/inference/parts.js';
import { loadParameters } from '../src/encoder/inference/serialise.js';
import { takeRows } from '../src/encoder/math/matrix.js';
import { trainInThisThread } from '../src/encoder/training/trainer.js';
import type { Encoder, LossWeights, SourceSet } from '../src/encoder/types.js';
import { percentileInterval } from '../src/evaluation/bootstrap.js';
import { CONFIDENCE, estimatePart } from '../src/evaluation/estimates.js';
import { embedPart, type MeasuredPart } from '../src/evaluation/measured-part.js';
import { readBundle } from '../src/services/evaluate/bundle/read-bundle.js';
import { partOf, planSplits, sourceOf } from '../src/services/evaluate/bundle-protocol.js';
import { protocolOf, readFeatures, sourceOf as sourceOfEmoji } from './retrieval-data.js';

/** What each variant leaves out. */
const VARIANTS: Readonly<Record<string, Partial<LossWeights>>> = {
  complete: {},
  similarity: { similarity: 0 },
  reconstruction: { reconstruction: 0 },
  adversary: { adversary: 0 },
  semantics: { semantics: 0 },
  'similarity, reconstruction, adversary': { similarity: 0, reconstruction: 0, adversary: 0 },
};
const PROTOCOLS = ['all', 'unseen'] as const;
const RESAMPLES = 500;

/** A training set with everything that is measured after it. */
interface Case {
  readonly source: SourceSet;
  readonly measured: readonly Measured[];
}
interface Measured {
  readonly set: string;
  readonly part: MeasuredPart;
  /** Upper limit of the row numbers that are the pairs of `part`: each draw of the bootstrap has the same weights for every variant. */
  readonly population: number;
}
interface Line {
  readonly set: string;
  readonly protocol: string;
  readonly seed: number;
  readonly variant: string;
  /** map@all, mean of both directions: of the whole embedding and of the network's codes. */
  readonly whole: Figure;
  readonly codes: Figure;
}
interface Figure {
  readonly map: number;
  readonly draws: readonly number[];
}
interface DataSet {
  readonly name: string;
  open(protocol: (typeof PROTOCOLS)[number], seed: number): Promise<Case>;
}

const { values: args } = parseArgs({
  options: {
    out: { type: 'string' },
    bundle: { type: 'string', multiple: true, default: [] },
    emoji: { type: 'string', multiple: true, default: [] },
    seeds: { type: 'string', default: '0,1,2,3,4' },
  },
});
const out = args.out;
if (out === undefined) throw new Error('--out FILE is required');
const seeds = args.seeds.split(',').map(Number);
const lines: Line[] = existsSync(out)
  ? readFileSync(out, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line)
  : [];

const sets = [...args.bundle.map(bundleSet), ...args.emoji.map(emojiSet)];
for (const seed of seeds) {
  for (const set of sets) {
    for (const protocol of PROTOCOLS) {
      const missing = Object.keys(VARIANTS).filter((variant) => !has(set.name, protocol, seed, variant));
      if (missing.length === 0) continue;
      const { source, measured } = await set.open(protocol, seed);
      for (const variant of missing) {
        const started = performance.now();
        const trained = await trainInThisThread(source, {
          seed,
          tune: 'none',
          validation: 0,
          members: 1,
          weights: VARIANTS[variant] ?? {},
        });
        const parameters = loadParameters(trained.bytes);
        const codes = encoderOfPart(parameters, 'codes', { IMAGE: source.image, TEXT: source.text });
        const whole = createEncoder(parameters);
        for (const each of measured) {
          const line: Line = {
            set: each.set,
            protocol,
            seed,
            variant,
            whole: figureOf(whole, each),
            codes: figureOf(codes ?? whole, each),
          };
          lines.push(line);
          appendFileSync(out, `${JSON.stringify(line)}\n`);
          const seconds = ((performance.now() - started) / 1000).toFixed(0);
          console.error(
            `${each.set}, ${protocol}, seed ${seed}, without ${variant === 'complete' ? 'leaving anything out' : variant}: ${line.whole.map.toFixed(4)}, codes ${line.codes.map.toFixed(4)} (${seconds} s)`,
          );
        }
      }
    }
  }
}
for (const what of ['whole', 'codes'] as const) {
  console.log(`\n${what === 'whole' ? 'The whole embedding' : "The network's codes alone"}`);
  for (const row of table(what)) console.log(`| ${row.join(' | ')} |`);
}

function has(set: string, protocol: string, seed: number, variant: string): boolean {
  return lines.some(
    (line) =>
      (line.set === set || line.set.startsWith(`${set}, `)) &&
      line.protocol === protocol &&
      line.seed === seed &&
      line.variant === variant,
  );
}

function bundleSet(folder: string): DataSet {
  const name = basename(folder);
  return {
    name,
    open: async (protocol, seed) => {
      const bundle = await readBundle(folder);
      const extendable = protocol === 'unseen';
      const plans = planSplits(bundle, extendable ? 'extendable' : 'non-extendable', [seed]);
      const plan = plans[seed % plans.length];
      if (plan === undefined) throw new Error(`${folder} has no split`);
      const part = partOf(bundle, extendable ? plan.unseen : plan.seen);
      if (part === null) throw new Error(`${folder} has too few test rows`);
      const population = bundle.test.labels.length;
      return { source: sourceOf(bundle, plan.seen), measured: [{ set: name, part, population }] };
    },
  };
}

function emojiSet(argument: string): DataSet {
  const [folder = '', suffix = 'joined'] = argument.split(':');
  const features = readFeatures(folder, suffix);
  const name = `emoji, ${suffix}`;
  return {
    name,
    open: async (protocol, seed) => {
      const { train, test } = protocolOf(protocol === 'all' ? 'a' : 'd', features, seed);
      const classes = test.map((row) => features.labels[row] as number);
      const side = (of: SourceSet['image']) => ({
        features: takeRows(of, test),
        classes,
        ids: Array.from(test, (row) => String(row).padStart(4, '0')),
        pairs: test,
      });
      const measuredWith = (vendor: 'google' | 'twitter'): Measured => ({
        set: `${name}, ${vendor}`,
        part: {
          sides: { IMAGE: side(features[vendor]), TEXT: side(features.text) },
          classNames: features.names,
        },
        population: features.labels.length,
      });
      return {
        source: sourceOfEmoji(features, train),
        measured: [measuredWith('google'), measuredWith('twitter')],
      };
    },
  };
}

function figureOf(encoder: Encoder, { part, population }: Measured): Figure {
  const { image, text } = embedPart(part, encoder);
  const scored = { method: 'masln' as const, i2t: scoreQueries(image, text), t2i: scoreQueries(text, image) };
  const { methods } = estimatePart([scored], { seed: 0, resamples: RESAMPLES, part: 'seen', population });
  const [ours] = methods;
  return {
    map: ours?.values.avg['map@all'] ?? Number.NaN,
    draws: Array.from(ours?.replicates?.avg['map@all'] ?? [], (x) => Number(x.toFixed(6))),
  };
}

/** For each set and protocol: the complete figure, then the difference of each variant with its interval and its spread over seeds. */
function table(what: 'whole' | 'codes'): string[][] {
  const variants = Object.keys(VARIANTS).filter((variant) => variant !== 'complete');
  const keys = [...new Set(lines.map(({ set, protocol }) => `${set} | ${protocol}`))];
  const head = ['data', 'classes', 'seeds', 'complete', ...variants];
  return [
    head,
    head.map(() => '---'),
    ...keys.map((key) => {
      const of = (variant: string) =>
        lines.filter((line) => `${line.set} | ${line.protocol}` === key && line.variant === variant);
      const complete = of('complete');
      const cells = variants.map((variant) => differenceCell(complete, of(variant), what));
      return [
        key,
        String(complete.length),
        mean(complete.map((line) => line[what].map)).toFixed(3),
        ...cells,
      ];
    }),
  ];
}

/** Without minus complete: the mean over the seeds, its bootstrap interval, and the standard error over the seeds. */
function differenceCell(
  complete: readonly Line[],
  without: readonly Line[],
  what: 'whole' | 'codes',
): string {
  const couples = without.flatMap((line) => {
    const base = complete.find(({ seed }) => seed === line.seed);
    return base === undefined ? [] : [{ line: line[what], base: base[what] }];
  });
  if (couples.length === 0) return '–';
  const differences = couples.map(({ line, base }) => line.map - base.map);
  const centre = mean(differences);
  const draws = Float64Array.from({ length: RESAMPLES }, (_, draw) =>
    mean(couples.map(({ line, base }) => (line.draws[draw] ?? 0) - (base.draws[draw] ?? 0))),
  );
  const [low, high] = percentileInterval(draws, CONFIDENCE) ?? [Number.NaN, Number.NaN];
  const variance = mean(differences.map((x) => (x - centre) ** 2)) / Math.max(1, couples.length - 1);
  return `${signed(centre)} [${signed(low)}, ${signed(high)}] ± ${Math.sqrt(variance).toFixed(4)}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function signed(x: number): string {
  return `${x < 0 ? '−' : '+'}${Math.abs(x).toFixed(4)}`;
}
