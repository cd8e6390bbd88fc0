import type {
  IngestItemInput,
  ItemFilter as ItemFilterInput,
  SearchQueryInput,
  TrainEncoderInput,
} from '../__generated__/resolver-types.js';
import { CommonspaceError, type FieldPath } from '../domain/errors.js';
import type { ItemFilter } from '../domain/filter.js';
import type { TrainRequest } from '../services/encoders/train-request.js';
import type { IngestInput } from '../services/ingest/ingest-input.js';
import type { SearchQuery } from '../services/search/query-reader.js';

/** GraphQL inputs, in which a field may be absent or null, as the values that services take. */

export function readQuery(query: SearchQueryInput): SearchQuery {
  if (query.text != null) return { text: query.text };
  if (query.imageUrl != null) return { imageUrl: query.imageUrl };
  if (query.imageBase64 != null) return { imageBase64: query.imageBase64 };
  if (query.mediaId != null) return { mediaId: query.mediaId };
  if (query.itemId != null) return { itemId: query.itemId };
  if (query.className != null) return { className: query.className };
  if (query.vector != null) return { vector: query.vector };
  throw exactlyOne(['query']);
}

export function readFilter(filter: ItemFilterInput | null | undefined): ItemFilter | null {
  return filter == null ? null : toFilter(filter);
}

function toFilter(filter: ItemFilterInput): ItemFilter {
  return {
    ...(filter.modality != null && { modality: filter.modality }),
    ...(filter.classNames != null && { classNames: filter.classNames }),
    ...(filter.createdAfter != null && { createdAfter: filter.createdAfter }),
    ...(filter.createdBefore != null && { createdBefore: filter.createdBefore }),
    ...(filter.metadata != null && { metadata: filter.metadata }),
    ...(filter.and != null && { and: filter.and.map(toFilter) }),
    ...(filter.or != null && { or: filter.or.map(toFilter) }),
    ...(filter.not != null && { not: toFilter(filter.not) }),
  };
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
  const { preset, seed, unseenClasses, holdout, epochs, learnFrom, options, activate, imageExtractor } =
    input;
  return {
    preset: preset === 'PAPER' ? 'paper' : 'default',
    seed: seed ?? 0,
    unseen: unseenClasses ?? [],
    holdout: holdout ?? 0.1,
    epochs: epochs ?? null,
    learnFrom: readFilter(learnFrom),
    // What is no option, or no value for one, is refused when the request is checked.
    ...(options != null && { options }),
    imageExtractor: imageExtractor ?? null,
    activate: activate ?? false,
  };
}

/** Where in the schema the field is that a training service names. */
export function trainingField([first, ...rest]: FieldPath): FieldPath {
  if (first === undefined) return ['input'];
  const known: Readonly<Record<string, string>> = { unseen: 'unseenClasses' };
  const inInput = ['preset', 'seed', 'holdout', 'epochs', 'learnFrom', 'imageExtractor'].includes(first);
  const name = known[first] ?? first;
  return inInput || first in known ? ['input', name, ...rest] : ['input', 'options', name, ...rest];
}

// The schema's @oneOf says so already; this is for the types, and for a schema change that forgets it.
function exactlyOne(field: FieldPath): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', 'Give exactly one field.', field);
}
