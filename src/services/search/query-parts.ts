import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import { unit } from '../../domain/vectors.js';
import type { ReadQuery, SearchQuery } from './query-reader.js';

/** The largest weight of a part, in either direction. */
const MOST_WEIGHT = 10;

/** Combined vectors shorter than this have no direction. Embeddings have length 1, and positive weights add up to 1. */
const LEAST_LENGTH = 1e-6;

/** Several queries at once. A negative weight lowers what matches that query. */
export interface CombinedQuery {
  readonly all: readonly { readonly query: SearchQuery; readonly weight: number }[];
}

/** A query of a search with its weight. A search by one query has one part. */
interface QueryPart {
  readonly query: SearchQuery;
  /** The positive weights of a search add up to 1. */
  readonly weight: number;
  /** Where the query stands in the input. */
  readonly field: FieldPath;
}

export interface ReadPart extends QueryPart {
  readonly read: ReadQuery;
}

/**
 * The parts of a query, without those of weight 0.
 *
 * @throws CommonspaceError BAD_INPUT for no or too many parts, or for wrong weights.
 */
export function partsOf(query: SearchQuery | CombinedQuery): readonly QueryPart[] {
  if (!('all' in query)) return [{ query, weight: 1, field: ['query'] }];
  const field = ['query', 'all'];
  if (query.all.length === 0 || query.all.length > LIMITS.queryParts) {
    throw new CommonspaceError('BAD_INPUT', `Give 1 to ${LIMITS.queryParts} parts.`, field);
  }
  const parts = query.all.map((part, i) => {
    const at = [...field, String(i)];
    if (!(Math.abs(part.weight) <= MOST_WEIGHT)) {
      const message = `A weight must be between -${MOST_WEIGHT} and ${MOST_WEIGHT}.`;
      throw new CommonspaceError('BAD_INPUT', message, [...at, 'weight']);
    }
    return { ...part, field: at };
  });
  const total = parts.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
  if (total === 0) {
    throw new CommonspaceError('BAD_INPUT', 'At least one part must have a positive weight.', field);
  }
  return parts.filter(({ weight }) => weight !== 0).map((part) => ({ ...part, weight: part.weight / total }));
}

/**
 * Where the parts are in the common space together: the sum of their embeddings, each times its weight, at unit length.
 * Null if no part has an embedding, or if the sum is a zero vector.
 */
export function combinedEmbedding(parts: readonly ReadPart[]): Float32Array | null {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first.read.embedding;
  const embedded = parts.flatMap(({ weight, read: { embedding } }) =>
    embedding === null ? [] : [{ weight, embedding }],
  );
  const [one] = embedded;
  if (one === undefined) return null;
  const sum = one.embedding.map((_, i) =>
    embedded.reduce((total, { weight, embedding }) => total + weight * (embedding[i] as number), 0),
  );
  return Math.hypot(...sum) < LEAST_LENGTH ? null : unit(sum);
}
