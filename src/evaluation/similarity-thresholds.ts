import type { SimilarityThreshold } from '../domain/encoder-record.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { dot } from '../domain/vectors.js';
import { rowOf } from '../encoder/math/matrix.js';
import { createRandom, shuffle } from '../encoder/math/random.js';
import type { Encoder } from '../encoder/types.js';
import type { PairTable } from './pair-table.js';

/** The share of the wrong pairs that lie below a similarity threshold. */
export const WRONG_SHARE_CUT = 0.95;

/** Fewer wrong pairs than this are too few to estimate that share. */
const LEAST_WRONG_PAIRS = 200;

/** The most held-out pairs to compare, drawn by the seed; fewer for features, which have more columns than embeddings. */
const MOST_PAIRS = { CONTENT: 2000, COUNTERPART: 500 } as const;

interface HeldOutItem {
  readonly id: string;
  readonly pairId: string;
  readonly classIds: readonly string[];
  readonly feature: Float32Array;
}

/** What a query is compared with: the most similar of its vectors counts. */
interface Target extends HeldOutItem {
  readonly vectors: readonly Float32Array[];
}

type Kind = 'right' | 'wrong' | 'none';

/**
 * Calibrates a threshold for each kind of evidence and each direction on held-out pairs of seen and unseen classes together.
 * Where no held-out pair has a class, items of one pair are right, all others wrong, and only CONTENT is calibrated. The same
 * seed gives the same thresholds.
 *
 * @returns the thresholds for which there are enough wrong pairs
 */
export function calibrateThresholds(
  encoder: Encoder,
  held: { readonly seen: PairTable; readonly unseen: PairTable },
  seed: number,
): SimilarityThreshold[] {
  const tables = [held.seen, held.unseen];
  const labelled = tables.some(({ pairs }) => pairs.some((pair) => pair.classIds.length > 0));
  const found: (SimilarityThreshold | null)[] = [];
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
          // A new query has no pair in the catalogue, so items of one pair do not count.
          const kind = (a: Target, b: Target) => (a.pairId === b.pairId ? 'none' : kindOf(a, b, true));
          compare(queries, targets, kind, similarities);
        }
        found.push(similarities.threshold({ evidence, query, target }));
      }
    }
  }
  return found.filter((threshold) => threshold !== null);
}

/** Ids of the pairs to compare, in a random order of the seed. */
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

/** Items with the features of their counterparts, which COUNTERPART compares. */
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

/** Similarities of right and of wrong pairs, for each half of the held-out pairs and across the halves. */
class Similarities {
  private readonly right: Parts = [[], [], []];
  private readonly wrong: Parts = [[], [], []];

  constructor(private readonly half: ReadonlyMap<string, number>) {}

  add(kind: 'right' | 'wrong', query: HeldOutItem, target: HeldOutItem, similarity: number): void {
    const [a, b] = [this.half.get(query.pairId), this.half.get(target.pairId)];
    this[kind][a !== b ? 2 : a === 0 ? 0 : 1].push(similarity);
  }

  threshold(about: Pick<SimilarityThreshold, 'evidence' | 'query' | 'target'>): SimilarityThreshold | null {
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

/** Of the first half, of the second half, and across the halves. */
type Parts = readonly [number[], number[], number[]];

/** The least value with WRONG_SHARE_CUT of the values before it. */
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
