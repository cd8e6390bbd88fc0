import type { JsonObject } from '../catalog/types.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { dot } from '../domain/vectors.js';
import { type Matrix, rowOf } from '../encoder/math/matrix.js';
import type { Encoder } from '../encoder/types.js';
import { addScaled, classPrototype, classScore } from './class-prototype.js';
import type { PairTable } from './source-set.js';

/** Every class there is to choose among. */
export interface ClassTable {
  readonly ids: readonly string[];
  /** [C, dt]: the text features of the names, row i that of `ids[i]`. */
  readonly features: Matrix;
}

/** How often the class is right; figures are 0 to 1. */
interface ClassAccuracy extends JsonObject {
  /** How many classes there were to choose among. */
  readonly classes: number;
  /** Share of the items whose first class, or one of whose first five, is right. */
  readonly top1: number;
  readonly top5: number;
  /** What drawing the classes at random gives. */
  readonly chance1: number;
  readonly chance5: number;
}

export interface GroupAccuracy extends JsonObject {
  readonly items: number;
  /** Among all classes, seen and unseen together: the harder question. */
  readonly amongAll: ClassAccuracy;
  /** Among the seen classes alone for items of seen classes, among the unseen ones alone for those of unseen ones. */
  readonly amongOwn: ClassAccuracy;
  /** What always answering the commonest class of these very items would reach. */
  readonly majority: number;
}

/** One modality's held-out items; null where there are none with a class. */
interface ModalityAccuracy extends JsonObject {
  readonly seen: GroupAccuracy | null;
  readonly unseen: GroupAccuracy | null;
  /** Of both groups' first answers among all classes; null where a group has no items. */
  readonly harmonicMean: number | null;
}

export type ClassificationFigures = Readonly<Record<Modality, ModalityAccuracy>> & JsonObject;

/** What was learnt from. */
export type Learnt = Pick<PairTable, 'pairs' | 'image' | 'text'>;

interface Question {
  readonly embedding: Float32Array;
  /** Places of the right classes in the class table. */
  readonly right: ReadonlySet<number>;
}

/**
 * How well `classify` does on held-out items. Prototypes are made as the product makes them, of the classes' names and of the
 * items that the encoder learnt from; no held-out item takes part in them. An item that stands on both sides (a text whose
 * other picture was learnt from) is not held out, and is left out.
 *
 * @returns null where no class has a name to compare with
 */
export function classificationFigures(
  encoder: Encoder,
  classes: ClassTable,
  source: Learnt,
  held: { readonly seen: PairTable; readonly unseen: PairTable },
): ClassificationFigures | null {
  if (classes.ids.length === 0) return null;
  const place = new Map(classes.ids.map((id, i) => [id, i]));
  const learnt = learntClasses(encoder, classes, source, place);
  const places = (wanted: boolean) => learnt.flatMap(({ items }, i) => (items > 0 === wanted ? [i] : []));
  const [seen, unseen] = [places(true), places(false)];
  const of = (modality: Modality): ModalityAccuracy => {
    const measure = (table: PairTable, own: readonly number[]) =>
      accuracy(questions(encoder, modality, table, itemsOf(source, modality), place), learnt, own);
    const figures = { seen: measure(held.seen, seen), unseen: measure(held.unseen, unseen) };
    return { ...figures, harmonicMean: harmonicMean(figures.seen, figures.unseen) };
  };
  return { IMAGE: of('IMAGE'), TEXT: of('TEXT') };
}

interface LearntClass {
  readonly prototype: Float32Array;
  /** How many items were learnt from; of an unseen class none. */
  readonly items: number;
}

function learntClasses(
  encoder: Encoder,
  classes: ClassTable,
  source: Learnt,
  place: ReadonlyMap<string, number>,
): LearntClass[] {
  const sums = classes.ids.map(() => ({ sum: new Float32Array(encoder.dimension), count: 0 }));
  for (const modality of MODALITIES) {
    for (const { embedding, right } of questions(encoder, modality, source, new Set(), place)) {
      for (const i of right) {
        const entry = sums[i];
        if (entry === undefined) continue;
        addScaled(entry.sum, embedding, 1);
        entry.count += 1;
      }
    }
  }
  return sums.map(({ sum, count }, i) => {
    const name = encoder.embed('TEXT', rowOf(classes.features, i));
    const items = count === 0 ? undefined : { mean: sum.map((x) => x / count), count };
    return { prototype: classPrototype(name, items, encoder.dimension), items: count };
  });
}

/** The distinct items of one side that have a class, but for those to leave out. */
function questions(
  encoder: Encoder,
  modality: Modality,
  table: Learnt,
  leaveOut: ReadonlySet<string>,
  place: ReadonlyMap<string, number>,
): Question[] {
  const features = modality === 'IMAGE' ? table.image : table.text;
  const found = new Map<string, Question>();
  table.pairs.forEach((pair, row) => {
    const id = modality === 'IMAGE' ? pair.imageId : pair.textId;
    if (found.has(id) || leaveOut.has(id)) return;
    const right = new Set(pair.classIds.flatMap((classId) => place.get(classId) ?? []));
    if (right.size === 0) return;
    found.set(id, { embedding: encoder.embed(modality, rowOf(features, row)), right });
  });
  return [...found.values()];
}

function itemsOf(table: Learnt, modality: Modality): ReadonlySet<string> {
  return new Set(table.pairs.map((pair) => (modality === 'IMAGE' ? pair.imageId : pair.textId)));
}

function accuracy(
  asked: readonly Question[],
  learnt: readonly LearntClass[],
  own: readonly number[],
): GroupAccuracy | null {
  if (asked.length === 0) return null;
  const all = learnt.map((_, i) => i);
  const ranks = asked.map(({ embedding, right }) => {
    const scores = learnt.map(({ prototype, items }) =>
      classScore({ similarity: dot(embedding, prototype), seen: items > 0, items }),
    );
    return { all: rankOfRight(scores, right, all), own: rankOfRight(scores, right, own) };
  });
  const summary = (ranked: readonly number[], classes: number): ClassAccuracy => ({
    classes,
    top1: share(ranked, (rank) => rank === 1),
    top5: share(ranked, (rank) => rank <= 5),
    chance1: Math.min(1, 1 / classes),
    chance5: Math.min(1, 5 / classes),
  });
  const amongAll = ranks.map((rank) => rank.all);
  const amongOwn = ranks.map((rank) => rank.own);
  return {
    items: asked.length,
    amongAll: summary(amongAll, all.length),
    amongOwn: summary(amongOwn, own.length),
    majority: Math.max(...all.map((i) => share(asked, ({ right }) => right.has(i)))),
  };
}

/** The rank of the first right class, from 1: score descending, then place ascending. Infinite where there is none. */
function rankOfRight(
  scores: readonly number[],
  right: ReadonlySet<number>,
  among: readonly number[],
): number {
  let best: number | null = null;
  for (const i of among) {
    if (right.has(i) && (best === null || precedes(scores, i, best))) best = i;
  }
  if (best === null) return Number.POSITIVE_INFINITY;
  const first = best;
  return 1 + among.filter((i) => i !== first && precedes(scores, i, first)).length;
}

function precedes(scores: readonly number[], a: number, b: number): boolean {
  const difference = (scores[a] as number) - (scores[b] as number);
  return difference > 0 || (difference === 0 && a < b);
}

function share<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length;
}

function harmonicMean(seen: GroupAccuracy | null, unseen: GroupAccuracy | null): number | null {
  if (seen === null || unseen === null) return null;
  const [a, b] = [seen.amongAll.top1, unseen.amongAll.top1];
  return a + b === 0 ? 0 : (2 * a * b) / (a + b);
}
