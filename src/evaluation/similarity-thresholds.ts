import type { SimilarityThreshold } from '../domain/encoder-record.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { dot } from '../domain/vectors.js';
import { rowOf } from '../encoder/math/matrix.js';
import { createRandom, shuffle } from '../encoder/math/random.js';
import type { Encoder } from '../encoder/types.js';
import type { PairTable } from './source-set.js';

/** The share of wrong pairs that a cut-off is to cut. */
export const WRONG_SHARE_CUT = 0.95;

/** From fewer wrong pairs than this no such share can be read. */
const LEAST_WRONG_PAIRS = 200;

/** Held-out pairs compared with each other, drawn by the seed. Features are many times as long as embeddings. */
const MOST_PAIRS = { CONTENT: 2000, COUNTERPART: 500 } as const;

/**
 * The least similarity that one kind of evidence must have. A query and an item are a right pair if they share a class, a
 * wrong one if both have classes and share none.
 */
export type CutOff = SimilarityThreshold;

interface HeldOutItem {
  readonly id: string;
  readonly pairId: string;
  readonly classIds: readonly string[];
  readonly feature: Float32Array;
}
/** What a query is compared with: the closest of its vectors counts. */
interface Target extends HeldOutItem {
  readonly vectors: readonly Float32Array[];
}
type Kind = 'right' | 'wrong' | 'none';

/**
 * Cut-offs for each kind of evidence and each direction, read from held-out pairs, those of seen and of unseen classes
 * together. Where no held-out pair has a class, items of one pair are right, all others wrong, and only CONTENT can be
 * calibrated. Pure; the same seed gives the same figures.
 *
 * @returns those that can be read; none where too few pairs were held out
 */
export function calibrateCutOffs(
  encoder: Encoder,
  held: { readonly seen: PairTable; readonly unseen: PairTable },
  seed: number,
): CutOff[] {
  const tables = [held.seen, held.unseen];
  const labelled = tables.some(({ pairs }) => pairs.some((pair) => pair.classIds.length > 0));
  const found: (CutOff | null)[] = [];
  for (const evidence of labelled ? (['CONTENT', 'COUNTERPART'] as const) : (['CONTENT'] as const)) {
    const chosen = drawPairs(tables, labelled, seed).slice(0, MOST_PAIRS[evidence]);
    const half = new Map(chosen.map((pairId, i) => [pairId, i % 2]));
    const sides = {
      IMAGE: itemsOf(tables, 'IMAGE', half),
      TEXT: itemsOf(tables, 'TEXT', half),
    };
    const embedded = (modality: Modality) =>
      sides[modality].map((item) => ({ ...item, vectors: [encoder.embed(modality, item.feature)] }));
    const embeddings = { IMAGE: embedded('IMAGE'), TEXT: embedded('TEXT') };
    for (const query of MODALITIES) {
      for (const target of MODALITIES) {
        const similarities = new Similarities(half);
        if (evidence === 'CONTENT') {
          compare(embeddings[query], embeddings[target], (a, b) => kindOf(a, b, labelled), similarities);
        } else {
          const queries = sides[query].map((item) => ({ ...item, vectors: [item.feature] }));
          const targets = query === target ? queries : withCounterparts(sides[target], sides[query]);
          // A query from outside has no pair of its own in the catalogue.
          const kind = (a: Target, b: Target) => (a.pairId === b.pairId ? 'none' : kindOf(a, b, true));
          compare(queries, targets, kind, similarities);
        }
        found.push(similarities.cutOff({ evidence, query, target }));
      }
    }
  }
  return found.filter((cutOff) => cutOff !== null);
}

/** Ids of the pairs to compare, in an order drawn by the seed. */
function drawPairs(tables: readonly PairTable[], labelled: boolean, seed: number): string[] {
  const usable = tables.flatMap(({ pairs }) => pairs.filter((pair) => !labelled || pair.classIds.length > 0));
  const ids = [...new Set(usable.map((pair) => pair.pairId))].sort();
  const order = shuffle(
    Int32Array.from(ids, (_, i) => i),
    createRandom(seed, 3),
  );
  return Array.from(order, (i) => ids[i] as string);
}

function itemsOf(
  tables: readonly PairTable[],
  modality: Modality,
  chosen: ReadonlyMap<string, unknown>,
): HeldOutItem[] {
  const items = new Map<string, HeldOutItem>();
  for (const { pairs, image, text } of tables) {
    pairs.forEach(({ imageId, textId, pairId, classIds }, row) => {
      const id = modality === 'IMAGE' ? imageId : textId;
      if (!chosen.has(pairId) || items.has(id)) return;
      items.set(id, { id, pairId, classIds, feature: rowOf(modality === 'IMAGE' ? image : text, row) });
    });
  }
  return [...items.values()];
}

/** Items as COUNTERPART sees them: by the features of their counterparts. */
function withCounterparts(items: readonly HeldOutItem[], counterparts: readonly HeldOutItem[]): Target[] {
  const ofPair = new Map<string, Float32Array[]>();
  for (const { pairId, feature } of counterparts) {
    const features = ofPair.get(pairId) ?? [];
    ofPair.set(pairId, features);
    features.push(feature);
  }
  return items.map((item) => ({ ...item, vectors: ofPair.get(item.pairId) ?? [] }));
}

function kindOf(a: HeldOutItem, b: HeldOutItem, labelled: boolean): Kind {
  if (a.id === b.id) return 'none';
  if (!labelled) return a.pairId === b.pairId ? 'right' : 'wrong';
  return a.classIds.some((id) => b.classIds.includes(id)) ? 'right' : 'wrong';
}

function compare(
  queries: readonly Target[],
  targets: readonly Target[],
  kind: (query: Target, target: Target) => Kind,
  into: Similarities,
): void {
  for (const query of queries) {
    const [vector] = query.vectors;
    if (vector === undefined) continue;
    for (const target of targets) {
      const which = kind(query, target);
      if (which === 'none' || target.vectors.length === 0) continue;
      let closest = -1;
      for (const other of target.vectors) closest = Math.max(closest, dot(vector, other));
      into.add(which, query, target, closest);
    }
  }
}

/** Similarities of right and of wrong pairs; those between items of one half of the held-out pairs are kept apart. */
class Similarities {
  private readonly right: Parts = [[], [], []];
  private readonly wrong: Parts = [[], [], []];

  constructor(private readonly half: ReadonlyMap<string, number>) {}

  add(kind: 'right' | 'wrong', query: HeldOutItem, target: HeldOutItem, similarity: number): void {
    const [a, b] = [this.half.get(query.pairId), this.half.get(target.pairId)];
    this[kind][a !== b ? 2 : a === 0 ? 0 : 1].push(similarity);
  }

  cutOff(about: Pick<CutOff, 'evidence' | 'query' | 'target'>): CutOff | null {
    const { right, wrong } = this;
    const all = Float64Array.from(wrong.flat()).sort();
    const halves = [Float64Array.from(wrong[0]).sort(), Float64Array.from(wrong[1]).sort()] as const;
    if (all.length < LEAST_WRONG_PAIRS || halves.some((part) => part.length === 0)) return null;
    const [first, second] = halves.map(thresholdOf) as [number, number];
    const rightPairs = right.reduce((sum, part) => sum + part.length, 0);
    return {
      ...about,
      threshold: thresholdOf(all),
      wrongCut: 1 - mean([kept(wrong[0], second), kept(wrong[1], first)]),
      rightKept:
        right[0].length === 0 || right[1].length === 0
          ? null
          : mean([kept(right[0], second), kept(right[1], first)]),
      wrongPairs: all.length,
      rightPairs,
    };
  }
}

/** Of the first half, of the second, and across the two. */
type Parts = readonly [number[], number[], number[]];

/** The least value that has WRONG_SHARE_CUT of these before it. */
function thresholdOf(ascending: Float64Array): number {
  const at = Math.min(ascending.length - 1, Math.ceil(WRONG_SHARE_CUT * ascending.length));
  return ascending[at] as number;
}

function kept(similarities: readonly number[], threshold: number): number {
  return similarities.filter((similarity) => similarity >= threshold).length / similarities.length;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
