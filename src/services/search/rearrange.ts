import type { RankedHit } from '../../domain/evidence.js';
import { areCopies, type PictureHash } from '../../domain/picture-hash.js';
import { dot } from '../../domain/vectors.js';

/** Steps that rearrange the first results of a ranking. Hits keep their scores and evidence. */

/** The order of search results by a value of the items, then by id in the same direction. */
export interface SearchOrder {
  readonly field: 'RELEVANCE' | 'CREATED_AT' | 'TITLE';
  readonly direction: 'ASC' | 'DESC';
}

/**
 * Maximal marginal relevance as a product: the next hit is the one with the highest `score · (1 − λ·s)`, with λ the diversity
 * and s the highest similarity to a hit before it, at least 0. A score that is a probability is near 0 for most hits, and the
 * usual difference `(1 − λ)·score − λ·s` would put hits of probability 0 first. A hit without a vector has similarity 0.
 *
 * @param diversity 0 to 1
 * @param vectors of unit length, by id
 */
export function diversify(
  hits: readonly RankedHit[],
  diversity: number,
  vectors: ReadonlyMap<string, Float32Array>,
): RankedHit[] {
  const left = hits.map((hit) => ({ hit, vector: vectors.get(hit.id), nearest: 0 }));
  const chosen: RankedHit[] = [];
  while (left.length > 0) {
    let next = 0;
    let highest = -Infinity;
    left.forEach(({ hit, nearest }, i) => {
      const value = Math.max(0, hit.score) * (1 - diversity * nearest);
      if (value > highest) [next, highest] = [i, value];
    });
    const [taken] = left.splice(next, 1);
    if (taken === undefined) break;
    chosen.push(taken.hit);
    for (const other of left) {
      const similarity = taken.vector && other.vector ? dot(taken.vector, other.vector) : 0;
      other.nearest = Math.max(other.nearest, similarity);
    }
  }
  return chosen;
}

/** At most `size` hits of each group, in order. A hit whose group is null is a group of its own. */
export function limitGroups(
  hits: readonly RankedHit[],
  groupOf: (id: string) => string | null,
  size: number,
): RankedHit[] {
  const counts = new Map<string, number>();
  return hits.filter(({ id }) => {
    const group = groupOf(id);
    if (group === null) return true;
    const count = (counts.get(group) ?? 0) + 1;
    counts.set(group, count);
    return count <= size;
  });
}

/** Without hits whose picture is a copy of an earlier one that is kept. @param hashes by id */
export function withoutCopies(
  hits: readonly RankedHit[],
  hashes: ReadonlyMap<string, PictureHash>,
): RankedHit[] {
  const kept: PictureHash[] = [];
  return hits.filter(({ id }) => {
    const hash = hashes.get(id);
    if (hash === undefined) return true;
    if (kept.some((other) => areCopies(hash, other))) return false;
    kept.push(hash);
    return true;
  });
}

interface Ordered {
  readonly id: string;
  readonly title: string | null;
  readonly createdAt: Date;
}

/** The hits in an order that is not RELEVANCE, without those that are not among the items. Untitled items are last. */
export function orderHits(
  hits: readonly RankedHit[],
  { field, direction }: SearchOrder,
  items: readonly Ordered[],
): RankedHit[] {
  const sign = direction === 'ASC' ? 1 : -1;
  const found = new Map(items.map((item) => [item.id, item]));
  return hits
    .flatMap((hit) => {
      const item = found.get(hit.id);
      return item === undefined ? [] : [{ hit, item }];
    })
    .sort((a, b) => {
      const byId = sign * (a.item.id < b.item.id ? -1 : 1);
      if (field === 'CREATED_AT') return sign * (+a.item.createdAt - +b.item.createdAt) || byId;
      if (a.item.title === null || b.item.title === null)
        return Number(a.item.title === null) - Number(b.item.title === null) || byId;
      // The bytes of UTF-8 have the order of code points.
      return sign * Buffer.compare(Buffer.from(a.item.title), Buffer.from(b.item.title)) || byId;
    })
    .map(({ hit }) => hit);
}
