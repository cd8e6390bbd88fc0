/**
 * Classification into unseen classes, from the name of each class and a few items. It measures the weight of a name in a class
 * prototype, the bonus of an unseen class, and the temperature of the softmax. docs/decisions/0010-unseen-classes.md has its
 * tables.
 *
 *   node bench/run.mjs unseen-classes --features DIR [--image SUFFIX] [--seeds 0,1,2] [--on validation|test] [--out FILE]
 *
 * DIR is the output of bench/emoji-features.mjs. The test classes are the eight classes that the demo holds out. They are not
 * used in validation, for which each seed draws ten other classes. A fifth of the pairs of the remaining classes is held out,
 * by seed. A class "with n items" has n images in its prototype; its other items are classified.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UNSEEN_CLASSES } from '../src/demo/demo-training.js';
import { dot, softmax, unit } from '../src/domain/vectors.js';
import { loadEncoder } from '../src/encoder/inference/serialise.js';
import { rowOf, takeRows } from '../src/encoder/math/matrix.js';
import { createRandom, shuffle } from '../src/encoder/math/random.js';
import { trainInThisThread } from '../src/encoder/training/trainer.js';
import {
  addScaled,
  BONUS_HALVES_AT_ITEMS,
  CLASSIFY_TEMPERATURE,
  NAME_COUNTS_AS_ITEMS,
  UNSEEN_BONUS,
} from '../src/evaluation/class-prototype.js';
import { repeatedRows } from '../src/evaluation/repeated-content.js';
import { readNpy } from './npy.js';

const WEIGHTS = [0.5, 1, 2, 4, 8, 64];
const BONUSES = [0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5];
const ITEMS = [0, 1, 2, 4, 8];
const TEMPERATURES = [0.05, 0.07, 0.1, 0.14, 0.2];
const DRAWN_CLASSES = 10;

interface Item {
  readonly modality: 'image' | 'text';
  readonly label: number;
  readonly embedding: Float32Array;
}

const { values: args } = parseArgs({
  options: {
    features: { type: 'string' },
    image: { type: 'string', default: 'joined' },
    seeds: { type: 'string', default: '0,1,2' },
    on: { type: 'string', default: 'validation' },
    out: { type: 'string' },
  },
});
if (args.features === undefined) throw new Error('--features DIR is required');
const read = (name: string) => readNpy(join(args.features as string, `${name}.npy`));
const image = read(`image_google_${args.image}`);
const text = read('text');
const nameFeatures = read('class_names');
const subgroups = (
  JSON.parse(readFileSync(join(args.features, 'meta.json'), 'utf8')) as readonly { subgroup: string }[]
).map((row) => row.subgroup);
const names = [...new Set(subgroups)].sort();
const labels = Int32Array.from(subgroups, (name) => names.indexOf(name));
const test = new Set(UNSEEN_CLASSES.map((name) => names.indexOf(name)));

interface Row {
  readonly items: number;
  readonly weight: number;
  readonly bonus: number;
  readonly temperature: number;
  readonly modality: Item['modality'];
  readonly group: 'seen' | 'unseen';
  readonly figures: Figures;
}
interface Figures {
  /** Top-1 accuracy among all classes. */
  readonly all: number;
  /** Top-1 accuracy among the classes of the group. */
  readonly own: number;
  /** Expected calibration error of the top answer, in ten bins (Guo et al. 2017). */
  readonly ece: number;
  /** Mean −log p of the correct class. */
  readonly nll: number;
}
const rows: Row[] = [];
for (const seed of args.seeds.split(',').map(Number)) {
  const trial = await prepare(seed);
  for (const items of ITEMS) {
    for (const weight of WEIGHTS) measure(trial, items, weight, BONUSES, [CLASSIFY_TEMPERATURE]);
  }
  measure(trial, 0, NAME_COUNTS_AS_ITEMS, [UNSEEN_BONUS], TEMPERATURES);
  console.error(`seed ${seed} done`);
}
if (args.out !== undefined) writeFileSync(args.out, JSON.stringify(rows, null, 1));
print();

/** The trained encoder's embeddings for one seed. */
interface Trial {
  readonly unseen: readonly number[];
  readonly trained: readonly Item[];
  readonly heldSeen: readonly Item[];
  readonly heldUnseen: readonly Item[];
  readonly nameEmbeddings: readonly Float32Array[];
}

async function prepare(seed: number): Promise<Trial> {
  const random = createRandom(2000 + seed, 11);
  const others = Int32Array.from(names, (_, i) => i).filter((label) => !test.has(label));
  const drawn = shuffle(others, random).slice(0, DRAWN_CLASSES);
  const unseen = args.on === 'test' ? test : new Set(drawn);
  const kept = (label: number) => !unseen.has(label) && !test.has(label);
  const candidates = shuffle(
    Int32Array.from(labels, (_, row) => row).filter((row) => kept(labels[row] as number)),
    random,
  );
  const cut = Math.round(candidates.length * 0.8);
  const train = candidates.slice(0, cut).sort();
  const present = [...new Set(train.map((row) => labels[row] as number))].sort((a, b) => a - b);
  const trained = await trainInThisThread(
    {
      image: takeRows(image, train),
      text: takeRows(text, train),
      labels: train.map((row) => present.indexOf(labels[row] as number)),
      classNames: present.map((label) => names[label] as string),
      classEmbeddings: takeRows(nameFeatures, Int32Array.from(present)),
    },
    { preset: 'default', seed, tune: 'none', validation: 0 },
  );
  const encoder = loadEncoder(trained.bytes);
  /** Without those whose image or text is that of a training row. */
  const newRows = (rows: Int32Array): Int32Array => {
    const of = (some: Int32Array) => ({ image: takeRows(image, some), text: takeRows(text, some) });
    const repeated = repeatedRows(of(train), of(rows));
    return rows.filter((_, i) => !repeated[i]);
  };
  const itemsOf = (rows: Int32Array): Item[] =>
    Array.from(rows).flatMap((row) => [
      {
        modality: 'image' as const,
        label: labels[row] as number,
        embedding: encoder.embed('IMAGE', rowOf(image, row)),
      },
      {
        modality: 'text' as const,
        label: labels[row] as number,
        embedding: encoder.embed('TEXT', rowOf(text, row)),
      },
    ]);
  return {
    unseen: [...unseen],
    trained: itemsOf(train),
    heldSeen: itemsOf(
      newRows(candidates.slice(cut).filter((row) => present.includes(labels[row] as number))),
    ),
    heldUnseen: itemsOf(
      newRows(
        shuffle(
          Int32Array.from(labels, (_, row) => row).filter((row) => unseen.has(labels[row] as number)),
          random,
        ),
      ),
    ),
    nameEmbeddings: names.map((_, i) => encoder.embedName(rowOf(nameFeatures, i))),
  };
}

/** Measures with prototypes of all classes (in validation without the test classes), and `items` images for each unseen one. */
function measure(
  trial: Trial,
  items: number,
  weight: number,
  bonuses: readonly number[],
  temperatures: readonly number[],
): void {
  const shown = new Map<number, Item[]>();
  for (const item of trial.heldUnseen) {
    const have = shown.get(item.label) ?? [];
    if (item.modality === 'image' && have.length < items) shown.set(item.label, [...have, item]);
  }
  const given = new Set([...shown.values()].flat());
  const among = names.map((_, i) => i).filter((i) => args.on === 'test' || !test.has(i));
  const unseen = among.map((label) => trial.unseen.includes(label));
  const members = among.map((label, i) =>
    unseen[i] ? (shown.get(label) ?? []) : trial.trained.filter((item) => item.label === label),
  );
  const prototypes = among.map((label, i) =>
    prototype(trial.nameEmbeddings[label] as Float32Array, members[i] ?? [], weight),
  );
  const groups = {
    seen: trial.heldSeen,
    unseen: trial.heldUnseen.filter((item) => !given.has(item)),
  } as const;
  for (const modality of ['image', 'text'] as const) {
    for (const group of ['seen', 'unseen'] as const) {
      const queries = groups[group]
        .filter((item) => item.modality === modality)
        .map((item) => ({
          correct: among.indexOf(item.label),
          similarities: prototypes.map((vector) => dot(item.embedding, vector)),
        }));
      for (const bonus of bonuses) {
        const added = unseen.map((is, i) =>
          is ? bonus / (1 + (members[i]?.length ?? 0) / BONUS_HALVES_AT_ITEMS) : 0,
        );
        const own = unseen.map((is) => is === (group === 'unseen'));
        for (const temperature of temperatures) {
          const figures = figuresOf(queries, added, own, temperature);
          rows.push({ items, weight, bonus, temperature, modality, group, figures });
        }
      }
    }
  }
}

function prototype(name: Float32Array, members: readonly Item[], weight: number): Float32Array {
  const sum = name.map((x) => weight * x);
  for (const { embedding } of members) addScaled(sum, embedding, 1);
  return unit(sum);
}

function figuresOf(
  queries: readonly { readonly correct: number; readonly similarities: readonly number[] }[],
  added: readonly number[],
  own: readonly boolean[],
  temperature: number,
): Figures {
  const bins = Array.from({ length: 10 }, () => ({ correct: 0, sum: 0 }));
  const sums = { all: 0, own: 0, nll: 0 };
  for (const { correct, similarities } of queries) {
    const scores = similarities.map((similarity, i) => similarity + (added[i] ?? 0));
    const p = softmax(scores.map((score) => score / temperature));
    const first = p.indexOf(Math.max(...p));
    const bin = bins[Math.min(9, Math.floor(10 * (p[first] ?? 0)))];
    if (bin !== undefined) {
      bin.sum += p[first] ?? 0;
      bin.correct += first === correct ? 1 : 0;
    }
    sums.all += first === correct ? 1 : 0;
    const ofOwn = scores.map((score, i) => (own[i] ? score : -10));
    sums.own += ofOwn.indexOf(Math.max(...ofOwn)) === correct ? 1 : 0;
    sums.nll -= Math.log(Math.max(1e-12, p[correct] ?? 0));
  }
  const n = queries.length;
  const ece = bins.reduce((sum, bin) => sum + Math.abs(bin.correct - bin.sum), 0) / n;
  return { all: sums.all / n, own: sums.own / n, ece, nll: sums.nll / n };
}

/** The mean of a figure over the seeds. */
function average(wanted: Partial<Row>, figure: keyof Figures): number {
  const found = rows.filter((row) =>
    Object.entries(wanted).every(([key, value]) => row[key as keyof Row] === value),
  );
  return found.reduce((sum, row) => sum + row.figures[figure], 0) / found.length;
}

/** Accuracy of seen and of unseen classes, their harmonic mean, and the accuracy of unseen among unseen classes. */
function cell(about: Partial<Row>): string {
  const [s, u] = (['seen', 'unseen'] as const).map((group) => average({ ...about, group }, 'all')) as [
    number,
    number,
  ];
  const own = average({ ...about, group: 'unseen' }, 'own');
  return [s, u, (2 * s * u) / (s + u), own].map((x) => x.toFixed(3).replace(/^0/, '')).join(' ');
}

function print(): void {
  const temperature = CLASSIFY_TEMPERATURE;
  for (const modality of ['image', 'text'] as const) {
    console.log(`\n${modality}s, top-1: seen, unseen, harmonic mean; unseen among unseen`);
    for (const bonus of [0, UNSEEN_BONUS]) {
      console.log(`| items, bonus ${bonus} | ${WEIGHTS.map((w) => `w = ${w}`).join(' | ')} |`);
      for (const items of ITEMS) {
        const cells = WEIGHTS.map((weight) => cell({ items, weight, bonus, temperature, modality }));
        console.log(`| ${items} | ${cells.join(' | ')} |`);
      }
    }
    console.log(`| items, w = ${NAME_COUNTS_AS_ITEMS} | ${BONUSES.map((b) => `bonus ${b}`).join(' | ')} |`);
    for (const items of ITEMS) {
      const weight = NAME_COUNTS_AS_ITEMS;
      const cells = BONUSES.map((bonus) => cell({ items, weight, bonus, temperature, modality }));
      console.log(`| ${items} | ${cells.join(' | ')} |`);
    }
    console.log('| temperature | ECE / −log p, seen | unseen |');
    for (const t of TEMPERATURES) {
      const about = { items: 0, weight: NAME_COUNTS_AS_ITEMS, bonus: UNSEEN_BONUS, temperature: t, modality };
      const of = (group: Row['group']) =>
        (['ece', 'nll'] as const)
          .map((figure) => average({ ...about, group }, figure).toFixed(3))
          .join(' / ');
      console.log(`| ${t} | ${of('seen')} | ${of('unseen')} |`);
    }
  }
}
