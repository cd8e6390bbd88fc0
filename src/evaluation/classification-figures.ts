import type { ClassificationFigures, GroupAccuracy, ModalityAccuracy } from '../domain/evaluation-record.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { dot } from '../domain/vectors.js';
import { type Matrix, rowOf } from '../encoder/math/matrix.js';
import type { Encoder } from '../encoder/types.js';
import { addScaled, classPrototype, classScore } from './class-prototype.js';
import type { PairTable } from './pair-table.js';

/** All classes that an item is classified among. */
export interface ClassTable {
  readonly ids: readonly string[];
  /** [C, dt]: the text features of the names; row i belongs to `ids[i]`. */
  readonly features: Matrix;
}

/** The training pairs with their features. */
export type TrainingItems = Pick<PairTable, 'pairs' | 'image' | 'text'>;

interface LabelledItem {
  readonly embedding: Float32Array;
  /** Indices of its classes in the class table. */
  readonly right: ReadonlySet<number>;
}

/**
 * How well `classify` classifies held-out items. Prototypes are made as in a search: from the names of the classes and from
 * the training items. No held-out item is part of a prototype.
 *
 * @param held rows whose items are not in the training set, as `splitTable` gives them
 * @returns null where no class has a name to compare with
 */
export function classificationFigures(
  encoder: Encoder,
  classes: ClassTable,
  training: TrainingItems,
  held: { readonly seen: PairTable; readonly unseen: PairTable },
): ClassificationFigures | null {
  if (classes.ids.length === 0) return null;
  const indexOf = new Map(classes.ids.map((id, i) => [id, i]));
  const prototypes = trainedPrototypes(encoder, classes, training, indexOf);
  const indices = (seen: boolean) => prototypes.flatMap(({ items }, i) => (items > 0 === seen ? [i] : []));
  const [seen, unseen] = [indices(true), indices(false)];
  const of = (modality: Modality): ModalityAccuracy => {
    const measure = (table: PairTable, own: readonly number[]) =>
      accuracy(labelledItems(encoder, modality, table, indexOf), prototypes, own);
    const figures = { seen: measure(held.seen, seen), unseen: measure(held.unseen, unseen) };
    return { ...figures, harmonicMean: harmonicMean(figures.seen, figures.unseen) };
  };
  return { IMAGE: of('IMAGE'), TEXT: of('TEXT') };
}

interface TrainedPrototype {
  readonly vector: Float32Array;
  /** Number of training items of the class; 0 for an unseen class. */
  readonly items: number;
}

function trainedPrototypes(
  encoder: Encoder,
  classes: ClassTable,
  training: TrainingItems,
  indexOf: ReadonlyMap<string, number>,
): TrainedPrototype[] {
  const sums = classes.ids.map(() => ({ sum: new Float32Array(encoder.dimension), count: 0 }));
  for (const modality of MODALITIES) {
    for (const { embedding, right } of labelledItems(encoder, modality, training, indexOf)) {
      for (const i of right) {
        const entry = sums[i];
        if (entry === undefined) continue;
        addScaled(entry.sum, embedding, 1);
        entry.count += 1;
      }
    }
  }
  return sums.map(({ sum, count }, i) => {
    const name = encoder.embedName(rowOf(classes.features, i));
    const items = count === 0 ? undefined : { mean: sum.map((x) => x / count), count };
    return { vector: classPrototype(name, items, encoder.dimension), items: count };
  });
}

/** The distinct items of one modality that have a class. */
function labelledItems(
  encoder: Encoder,
  modality: Modality,
  table: TrainingItems,
  indexOf: ReadonlyMap<string, number>,
): LabelledItem[] {
  const features = modality === 'IMAGE' ? table.image : table.text;
  const found = new Map<string, LabelledItem>();
  table.pairs.forEach((pair, row) => {
    const id = modality === 'IMAGE' ? pair.imageId : pair.textId;
    if (found.has(id)) return;
    const right = new Set(pair.classIds.flatMap((classId) => indexOf.get(classId) ?? []));
    if (right.size === 0) return;
    found.set(id, { embedding: encoder.embed(modality, rowOf(features, row)), right });
  });
  return [...found.values()];
}

function accuracy(
  asked: readonly LabelledItem[],
  prototypes: readonly TrainedPrototype[],
  own: readonly number[],
): GroupAccuracy | null {
  if (asked.length === 0) return null;
  const all = prototypes.map((_, i) => i);
  const ranks = asked.map(({ embedding, right }) => {
    const scores = prototypes.map(({ vector, items }) =>
      classScore({ similarity: dot(embedding, vector), seen: items > 0, items }),
    );
    return { all: rankOfRight(scores, right, all), own: rankOfRight(scores, right, own) };
  });
  const summary = (ranked: readonly number[], classes: number) => ({
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

/** The rank of the first right class, from 1: score descending, then index ascending. Infinite where there is none. */
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
