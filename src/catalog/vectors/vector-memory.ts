import { MODALITIES, otherModality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import type { CounterpartQuery, EmbeddingQuery, Hit, Ranking } from '../types.js';
import { merge } from './rankings.js';
import type { StampedCopies } from './stamped-copies.js';
import { bestOfEach, closest, type VectorCopy } from './vector-copy.js';

/** A ranking asked for, without a filter, as of a stamp. */
export type EmbeddingQuestion = Omit<EmbeddingQuery, 'filter'>;
export type CounterpartQuestion = Omit<CounterpartQuery, 'filter'>;

/** Ranks by copies in memory as the database would, where there is a copy of what it would compare. */
export class VectorMemory {
  constructor(private readonly copies: StampedCopies) {}

  /** The ranking if a copy can give it, else null. */
  byEmbedding({ encoderId, target, vector, limit, offset, stamp }: EmbeddingQuestion): Ranking | null {
    const copy = this.copies.find({ kind: 'embeddings', encoderId }, stamp);
    if (copy === null) return null;
    const own = (target === null ? MODALITIES : [target]).map((modality) => copy.own[modality]);
    if (!own.every((part) => fits(part, vector))) return null;
    const query = unit(vector);
    const depth = offset + limit;
    const parts = own.map(({ ids, vectors }) => exact(closest(ids, vectors.products(query), depth)));
    return exact(together(parts, depth).hits.slice(offset));
  }

  /** The same by counterparts. */
  byCounterpart(question: CounterpartQuestion): Ranking | null {
    const { extractor, queryModality, target, vector, limit, stamp } = question;
    const copy = this.copies.find({ kind: 'features', extractor, modality: queryModality }, stamp);
    if (copy === null || !fits(copy.own, vector)) return null;
    const { own, counterparts } = copy;
    const similarity = own.vectors.products(unit(vector));
    const parts: Ranking[] = [];
    if (target !== otherModality(queryModality)) parts.push(exact(closest(own.ids, similarity, limit)));
    if (target !== queryModality)
      parts.push(exact(closest(counterparts.ids, bestOfEach(counterparts, similarity), limit)));
    return together(parts, limit);
  }
}

/** Each part is in order, and of one there is nothing to merge. */
function together(parts: readonly Ranking[], limit: number): Ranking {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : merge(parts, limit);
}

/** A vector of another length is the database's to refuse. */
function fits({ ids, vectors }: VectorCopy, vector: Float32Array): boolean {
  return ids.length === 0 || vectors.columns === vector.length;
}

function exact(hits: readonly Hit[]): Ranking {
  return { hits, approximate: false };
}
