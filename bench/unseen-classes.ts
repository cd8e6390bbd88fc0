/**
 * How well items are classified into classes that were never seen, by the classes' names and a few items: what the name
 * should count for in a prototype, and the softmax's temperature. docs/decisions/0006-unseen-classes.md has its tables.
 *
 *   node bench/run.mjs unseen-classes --features DIR [--image SUFFIX] [--seeds 0,1,2] [--on validation|test] [--out FILE]
 *
 * DIR as bench/emoji-features.mjs makes it. The eight classes that the demo keeps out are the test; they take no part in
 * the validation, for which each seed draws ten other classes. Of the remaining classes' pairs a fifth is held out, by seed.
 * A class "with n items" has the first n of its pictures in its prototype; the rest of its items are classified.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { UNSEEN_CLASSES } from '../src/demo/demo-items.js';
import { dot, softmax, unit } from '../src/domain/vectors.js';
import { takeRows } from '../src/encoder/matrix.js';
import { createRandom, shuffle } from '../src/encoder/random.js';
import { loadEncoder } from '../src/encoder/serialise.js';
import { trainInThisThread } from '../src/encoder/trainer.js';
import type { Matrix } from '../src/encoder/types.js';
import { readNpy } from './npy.js';

const WEIGHTS = [0.5, 1, 2, 4, 8, 16, 64];
const ITEMS = [0, 1, 2, 4, 8];
const TEMPERATURES = [0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3];
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
if (args.features === undefined) throw new Error('say where the features are: --features DIR');
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

const sums = new Map<string, { sum: number; count: number }>();
const note = (key: string, value: number) => {
  const entry = sums.get(key) ?? { sum: 0, count: 0 };
  sums.set(key, { sum: entry.sum + value, count: entry.count + 1 });
};

for (const seed of args.seeds.split(',').map(Number)) {
  const world = await prepare(seed);
  for (const items of ITEMS) {
    for (const weight of WEIGHTS) measure(world, items, weight);
  }
  console.error(`seed ${seed} done`);
}
const rows = [...sums].map(([key, { sum, count }]) => ({ ...JSON.parse(key), value: sum / count }));
if (args.out !== undefined) writeFileSync(args.out, JSON.stringify(rows, null, 1));
print();

interface World {
  readonly unseen: readonly number[];
  readonly learnt: readonly Item[];
  readonly heldSeen: readonly Item[];
  readonly heldUnseen: readonly Item[];
  readonly nameEmbeddings: readonly Float32Array[];
}

async function prepare(seed: number): Promise<World> {
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
    { preset: 'default', seed },
  );
  const encoder = loadEncoder(trained.bytes);
  const rowOf = ({ data, columns }: Matrix, row: number) => data.subarray(row * columns, (row + 1) * columns);
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
    learnt: itemsOf(train),
    heldSeen: itemsOf(candidates.slice(cut).filter((row) => present.includes(labels[row] as number))),
    heldUnseen: itemsOf(
      shuffle(
        Int32Array.from(labels, (_, row) => row).filter((row) => unseen.has(labels[row] as number)),
        random,
      ),
    ),
    nameEmbeddings: names.map((_, i) => encoder.embed('TEXT', rowOf(nameFeatures, i))),
  };
}

/** Prototypes of every class but the test's (unless those are what is asked about), `items` pictures for each unseen one. */
function measure(world: World, items: number, weight: number): void {
  const shown = new Map<number, Item[]>();
  for (const item of world.heldUnseen) {
    const have = shown.get(item.label) ?? [];
    if (item.modality === 'image' && have.length < items) shown.set(item.label, [...have, item]);
  }
  const given = new Set([...shown.values()].flat());
  const asked = world.heldUnseen.filter((item) => !given.has(item));
  const among = names.map((_, i) => i).filter((i) => args.on === 'test' || !test.has(i));
  const prototypes = new Map(
    among.map((label) => {
      const members = world.unseen.includes(label)
        ? (shown.get(label) ?? [])
        : world.learnt.filter((item) => item.label === label);
      return [label, prototype(world.nameEmbeddings[label] as Float32Array, members, weight)];
    }),
  );
  for (const modality of ['image', 'text'] as const) {
    const of = (group: string, held: readonly Item[], own: readonly number[]) => {
      const mine = held.filter((item) => item.modality === modality);
      const about = { items, weight, modality, group };
      note(JSON.stringify({ ...about, figure: 'all' }), accuracy(mine, among, prototypes));
      note(JSON.stringify({ ...about, figure: 'own' }), accuracy(mine, own, prototypes));
      for (const temperature of TEMPERATURES) {
        const { ece, nll } = calibration(mine, among, prototypes, temperature);
        note(JSON.stringify({ ...about, figure: 'ece', temperature }), ece);
        note(JSON.stringify({ ...about, figure: 'nll', temperature }), nll);
      }
    };
    of(
      'seen',
      world.heldSeen,
      among.filter((label) => !world.unseen.includes(label)),
    );
    of('unseen', asked, world.unseen);
  }
}

function prototype(name: Float32Array, members: readonly Item[], weight: number): Float32Array {
  const sum = name.map((x) => weight * x);
  for (const { embedding } of members)
    for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + (embedding[i] as number);
  return unit(sum);
}

type Prototypes = ReadonlyMap<number, Float32Array>;

function similarities(item: Item, among: readonly number[], prototypes: Prototypes): number[] {
  return among.map((label) => dot(item.embedding, prototypes.get(label) as Float32Array));
}

function accuracy(held: readonly Item[], among: readonly number[], prototypes: Prototypes): number {
  const right = held.filter((item) => {
    const s = similarities(item, among, prototypes);
    return among[s.indexOf(Math.max(...s))] === item.label;
  });
  return right.length / held.length;
}

/** Expected calibration error of the first answer's probability in ten bins (Guo et al. 2017), and the mean −log p of the right class. */
function calibration(
  held: readonly Item[],
  among: readonly number[],
  prototypes: Prototypes,
  temperature: number,
): { ece: number; nll: number } {
  const bins = Array.from({ length: 10 }, () => ({ right: 0, sum: 0 }));
  let nll = 0;
  for (const item of held) {
    const p = softmax(similarities(item, among, prototypes).map((s) => s / temperature));
    const first = Math.max(...p);
    const bin = bins[Math.min(9, Math.floor(10 * first))];
    if (bin !== undefined) {
      bin.sum += first;
      if (among[p.indexOf(first)] === item.label) bin.right += 1;
    }
    nll -= Math.log(Math.max(1e-12, p[among.indexOf(item.label)] ?? 0)) / held.length;
  }
  return { ece: bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.sum), 0) / held.length, nll };
}

function print(): void {
  const get = (wanted: Record<string, unknown>): number =>
    rows.find((row) => Object.entries(wanted).every(([key, value]) => row[key] === value))?.value ??
    Number.NaN;
  for (const modality of ['image', 'text']) {
    console.log(`\n${modality}s: top-1 unseen among all / among unseen / seen among all / harmonic mean`);
    console.log(`| items | ${WEIGHTS.map((w) => `w = ${w}`).join(' | ')} |`);
    for (const items of ITEMS) {
      const cells = WEIGHTS.map((weight) => {
        const about = { items, weight, modality };
        const u = get({ ...about, group: 'unseen', figure: 'all' });
        const s = get({ ...about, group: 'seen', figure: 'all' });
        const own = get({ ...about, group: 'unseen', figure: 'own' });
        return [u, own, s, (2 * u * s) / (u + s)].map((x) => x.toFixed(3).slice(1)).join(' ');
      });
      console.log(`| ${items} | ${cells.join(' | ')} |`);
    }
    for (const group of ['seen', 'unseen']) {
      console.log(`\n${modality}s of ${group} classes: ECE / −log p by temperature, w = 4, without items`);
      for (const temperature of TEMPERATURES) {
        const about = { items: 0, weight: 4, modality, group, temperature };
        const [ece, nll] = [get({ ...about, figure: 'ece' }), get({ ...about, figure: 'nll' })];
        console.log(`| ${temperature} | ${ece.toFixed(3)} / ${nll.toFixed(3)} |`);
      }
    }
  }
}
