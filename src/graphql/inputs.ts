import type {
  EvidenceWeightsInput,
  GroupByInput,
  IngestItemInput,
  ItemFilter as ItemFilterInput,
  ItemOrder as ItemOrderInput,
  QueryPartInput,
  SearchQueryInput,
  TrainEncoderInput,
} from '../__generated__/resolver-types.js';
import { CommonspaceError, type FieldPath } from '../domain/errors.js';
import type { ItemFilter } from '../domain/filter.js';
import type { EvidenceWeights } from '../domain/fusion.js';
import type { ItemOrder } from '../domain/item-order.js';
import type { TrainRequest } from '../services/encoders/train-request.js';
import type { IngestInput } from '../services/ingest/ingest-input.js';
import type { GroupBy } from '../services/search/arrangement.js';
import type { CombinedQuery } from '../services/search/query-parts.js';
import type { SearchQuery } from '../services/search/query-reader.js';
import type { SearchOrder } from '../services/search/rearrange.js';

/** Maps GraphQL inputs, in which a field can be absent or null, to the arguments of services. */

/** @throws CommonspaceError BAD_INPUT naming a part that does not have exactly one query. */
export function readQuery(query: SearchQueryInput): SearchQuery | CombinedQuery {
  if (query.all == null) return readSingleQuery(query, ['query']);
  return {
    all: query.all.map(({ weight, ...part }, i) => ({
      weight: weight ?? 1,
      query: readSingleQuery(part, ['query', 'all', String(i)]),
    })),
  };
}

type SingleQueryInput = Omit<QueryPartInput, 'weight'> & { readonly all?: never };

/** @throws CommonspaceError BAD_INPUT unless exactly one field is given. */
export function readSingleQuery(
  query: SingleQueryInput | SearchQueryInput,
  field: FieldPath = ['query'],
): SearchQuery {
  if (query.all != null) {
    throw new CommonspaceError('BAD_INPUT', 'Only a search combines queries.', [...field, 'all']);
  }
  if (Object.values(query).filter((value) => value != null).length !== 1) throw exactlyOne(field);
  if (query.text != null) return { text: query.text };
  if (query.imageUrl != null) return { imageUrl: query.imageUrl };
  if (query.imageBase64 != null) return { imageBase64: query.imageBase64 };
  if (query.mediaId != null) return { mediaId: query.mediaId };
  if (query.itemId != null) return { itemId: query.itemId };
  if (query.className != null) return { className: query.className };
  if (query.vector != null) return { vector: query.vector };
  throw exactlyOne(field);
}

export function readWeights(weights: EvidenceWeightsInput): Partial<EvidenceWeights> {
  const given = Object.entries(weights).filter((entry): entry is [string, number] => entry[1] != null);
  return Object.fromEntries(given);
}

export function readFilter(filter: ItemFilterInput | null | undefined): ItemFilter | null {
  return filter == null ? null : toFilter(filter);
}

export function toFilter(filter: ItemFilterInput): ItemFilter {
  return {
    ...(filter.modality != null && { modality: filter.modality }),
    ...(filter.ids != null && { ids: filter.ids }),
    ...(filter.classNames != null && { classNames: filter.classNames }),
    ...(filter.createdAfter != null && { createdAfter: filter.createdAfter }),
    ...(filter.createdBefore != null && { createdBefore: filter.createdBefore }),
    ...(filter.metadata != null && { metadata: filter.metadata }),
    ...(filter.and != null && { and: filter.and.map(toFilter) }),
    ...(filter.or != null && { or: filter.or.map(toFilter) }),
    ...(filter.not != null && { not: toFilter(filter.not) }),
  };
}

/** The order of a list without a query. @throws CommonspaceError BAD_INPUT for RELEVANCE. */
export function readItemOrder(order: ItemOrderInput | null | undefined): ItemOrder | null {
  if (order == null) return null;
  const { field, direction } = order;
  if (field === 'RELEVANCE') {
    throw new CommonspaceError('BAD_INPUT', 'Only a search is ordered by RELEVANCE.', ['orderBy', 'field']);
  }
  return { field, direction: direction ?? 'DESC' };
}

/** The order of a search. */
export function readSearchOrder(order: ItemOrderInput | null | undefined): SearchOrder | null {
  return order == null ? null : { field: order.field, direction: order.direction ?? 'DESC' };
}

export function readGroupBy(groupBy: GroupByInput | null | undefined, size: number): GroupBy | null {
  return groupBy == null ? null : { by: groupBy.by, key: groupBy.key ?? null, size };
}

export function readIngestItem(input: IngestItemInput, index: number): IngestInput {
  const { content, ...rest } = input;
  return { ...rest, content: readContent(content, ['input', 'items', String(index), 'content']) };
}

function readContent(content: IngestItemInput['content'], field: FieldPath): IngestInput['content'] {
  if (content.text != null) return { text: content.text };
  if (content.imageUrl != null) return { imageUrl: content.imageUrl };
  if (content.imageBase64 != null) return { imageBase64: content.imageBase64 };
  if (content.mediaId != null) return { mediaId: content.mediaId };
  throw exactlyOne(field);
}

export function readTraining(input: TrainEncoderInput): TrainRequest {
  const {
    preset,
    seed,
    unseenClasses,
    holdout,
    epochs,
    learnFrom,
    options,
    activate,
    imageExtractor,
    textExtractor,
    from,
    freeze,
  } = input;
  return {
    preset: preset === 'PAPER' ? 'paper' : 'default',
    seed: seed ?? 0,
    unseen: unseenClasses ?? [],
    holdout: holdout ?? 0.1,
    epochs: epochs ?? null,
    learnFrom: readFilter(learnFrom),
    // The training service checks names and values.
    options: { ...options, ...(freeze === 'IMAGE' && { freeze: 'image' as const }) },
    imageExtractor: imageExtractor ?? null,
    textExtractor: textExtractor ?? null,
    from: from ?? null,
    activate: activate ?? false,
  };
}

/** Maps the path of a training service's error to the path in the schema. */
export function trainingField([first, ...rest]: FieldPath): FieldPath {
  if (first === undefined) return ['input'];
  const known: Readonly<Record<string, string>> = { unseen: 'unseenClasses' };
  const inInput = [
    'preset',
    'seed',
    'holdout',
    'epochs',
    'learnFrom',
    'imageExtractor',
    'textExtractor',
    'from',
  ].includes(first);
  const name = known[first] ?? first;
  return inInput || first in known ? ['input', name, ...rest] : ['input', 'options', name, ...rest];
}

// @oneOf in the schema refuses such inputs before, but the generated types do not express it.
function exactlyOne(field: FieldPath): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', 'Give exactly one field.', field);
}
