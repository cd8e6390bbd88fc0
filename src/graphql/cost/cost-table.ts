import { LIMITS } from '../../domain/limits.js';

/**
 * Maximum cost of an operation. A unit stands for about 0.1 ms of one core on a catalogue of some thousand items, so an operation
 * may take about two seconds; docs/decisions/0029-bounds-of-requests.md has the measurements.
 */
export const MAX_COST = 20_000;

/** Coerced arguments of a field, with the defaults of the schema. */
export type FieldArguments = Readonly<Record<string, unknown>>;

/** The lengths of lists within a field, by the schema coordinate of the list. */
export type ListSizes = Readonly<Record<string, number>>;

/** The cost of a field in addition to its values, each of which is one unit. */
type Work = number | ((args: FieldArguments) => number);

/** Extraction of a text, or reading an item or a class. An address is fetched first, with up to 20 MB. */
const READ = { text: 200, className: 200, imageUrl: 1_000, imageBase64: 300, mediaId: 300 } as const;
const READ_STORED = 20;
/** All kinds of evidence of one query, ranked and completed. */
const RANK = 100;
/** The prototypes of all classes. */
const CLASSIFY = 100;
/** Up to 1000 results that are ordered, compared or counted. */
const REARRANGE = 200;
const FACETS = 500;
const COUNT = 50;

/** By schema coordinate; a field of several item types has that of `Item`. */
export const WORK: Readonly<Record<string, Work>> = {
  'Query.crossModalSearch': (args) => {
    const parts = queriesOf(args.query);
    const ranked = parts.reduce<number>((sum, part) => sum + RANK + readingCost(part), 0);
    return ranked + (rearranges(args) ? REARRANGE : 0);
  },
  'SearchConnection.totalCount': REARRANGE,
  'SearchConnection.facets': FACETS,
  'SearchEdge.explanation': 50,
  'Query.classify': (args) => CLASSIFY + readingCost(args.query),
  'Query.facets': FACETS,
  'Query.duplicates': 500,
  'Query.evaluation': COUNT,
  'Query.exportCatalogue': 4 * COUNT,
  // Reads for a second at most, and decodes a picture for each row.
  'Query.previewBulk': (args) => 10_000 + 40 * sizeOf(args.first),
  'Query.server': 4 * COUNT,
  'Query.itemChanges': 5,
  'Subscription.itemChanges': 5,
  'ItemConnection.totalCount': COUNT,
  'ClassConnection.totalCount': COUNT,
  'EncoderConnection.totalCount': COUNT,
  'JobConnection.totalCount': COUNT,
  'ApiKeyConnection.totalCount': COUNT,
  'Query.jobs': READ_STORED,
  'Query.keys': READ_STORED,
  'Job.failures': READ_STORED,
  'Job.imported': READ_STORED,
  // A look-up of near hashes, or of near embeddings, for each image of the group.
  'ImageItem.duplicates': ({ threshold }) => (threshold == null ? READ_STORED : RANK),
  'Item.counterparts': 2,
  'Item.counterpartsConnection': 2,
  'Encoder.parts': 20,
  'Encoder.history': READ_STORED,
  // About three times as much, once a minute for each encoder, in a thread.
  'Encoder.health': 300,
  // The newest items are counted.
  'Query.spaceMap': COUNT,
  'Query.mapPoints': ({ first }) => COUNT + Math.ceil(sizeOf(first) / 20),
  'Query.mapPositions': COUNT,
  'Query.placeOnMap': (args) => COUNT + RANK + readingCost(args.query),
  'Mutation.ingest': (args) => 5 * lengthOf(at(args.input, 'items')),
  'Mutation.updateItem': 5,
  'Mutation.updateItems': (args) => 5 * lengthOf(args.items),
  'Mutation.deleteItems': (args) => lengthOf(args.ids),
  'Mutation.createClass': READ.text,
  'Mutation.renameClass': READ.text,
  'Mutation.mergeClasses': 1_000,
  'Mutation.deleteClass': 1_000,
  'Mutation.trainEncoder': COUNT,
  'Mutation.adoptEncoder': COUNT,
  'Mutation.activateEncoder': 1_000,
  'Mutation.deleteEncoder': 1_000,
  'Mutation.evaluateEncoder': COUNT,
  'Mutation.ingestBulk': COUNT,
  'Mutation.importCatalogue': COUNT,
  'Mutation.deleteMatchingItems': COUNT,
  'Mutation.cancelJob': COUNT,
  'Mutation.retryFailed': COUNT,
  'Mutation.projectEncoder': COUNT,
  'Mutation.createKey': COUNT,
  'Mutation.revokeKey': COUNT,
};

/**
 * Lengths of lists that no argument `first` of the field or of its connection gives. A number is the usual length, or the
 * maximum where it is small.
 */
export const LISTS: Readonly<Record<string, number | ((args: FieldArguments) => number)>> = {
  'Query.nodes': (args) => lengthOf(args.ids),
  'Query.mapPositions': (args) => lengthOf(args.ids),
  'Item.counterparts': (args) => Math.min(sizeOf(args.first), LIMITS.itemsPerPair - 1),
  'Item.classes': 5,
  'SearchEdge.evidence': 4,
  'Explanation.classes': 5,
  'Explanation.pairs': 3,
  'Facets.modalities': 2,
  'DuplicateGroup.members': 5,
  'EncoderProgress.losses': 10,
  'Encoder.history': 100,
  'EpochFigures.losses': 8,
  'TrainingRequest.unseenClasses': 10,
  'Encoder.parts': 4,
  'EncoderHealth.queries': 4,
  'EncoderHealth.reasons': 5,
  'Encoder.classification': 4,
  'Encoder.cutOffs': 8,
  'Encoder.notes': 5,
  'MethodFigures.i2t': 20,
  'MethodFigures.t2i': 20,
  'MethodFigures.avg': 20,
  'PrecisionRecallCurve.recall': 11,
  'PrecisionRecallCurve.precision': 11,
  'EvaluationPart.methods': 8,
  'EvaluationPart.curves': 16,
  'EvaluationPart.perClass': 50,
  'ClassFigures.confusedWith': 3,
  'Evaluation.harmonic': 8,
  'Evaluation.classification': 4,
  'Evaluation.notes': 5,
  'BulkPreview.first': 20,
  'BulkPreview.failures': 20,
  'BulkPreviewRow.pictures': 1,
  'BulkPreviewRow.texts': 2,
  'BulkPreviewRow.classes': 2,
  'UserError.field': 5,
  'UpdateItemPayload.errors': 1,
  'CreateClassPayload.errors': 1,
  'ClassPayload.errors': 1,
  'DeleteClassPayload.errors': 1,
  'EncoderPayload.errors': 1,
  'EvaluateEncoderPayload.errors': 1,
  'DeleteEncoderPayload.errors': 1,
  'JobPayload.errors': 1,
  'ApiKey.scopes': 2,
  'CreateKeyPayload.errors': 1,
  'RevokeKeyPayload.errors': 1,
};

/** Fields whose arguments give the lengths of lists within them. */
export const LISTS_WITHIN: Readonly<Record<string, (args: FieldArguments) => ListSizes>> = {
  'Query.facets': facetLists,
  'Query.previewBulk': ({ first }) => ({
    'BulkPreview.first': sizeOf(first),
    'BulkPreview.failures': sizeOf(first),
  }),
  'SearchConnection.facets': facetLists,
  'Query.placeOnMap': ({ first }) => ({ 'MapPlace.nearest': sizeOf(first) }),
  'Mutation.ingest': (args) => ({ 'IngestPayload.results': lengthOf(at(args.input, 'items')) }),
  'Mutation.updateItems': (args) => ({ 'UpdateItemsPayload.results': lengthOf(args.items) }),
  'Mutation.deleteItems': (args) => ({
    'DeleteItemsPayload.deletedIds': lengthOf(args.ids),
    'DeleteItemsPayload.errors': lengthOf(args.ids),
  }),
};

function facetLists({ classes, metadataKeys, values }: FieldArguments): ListSizes {
  return {
    'Facets.classes': sizeOf(classes),
    'Facets.metadata': lengthOf(metadataKeys),
    'MetadataFacet.values': sizeOf(values),
  };
}

/** A page size as a caller gives it. Services refuse sizes above their limits. */
export function sizeOf(value: unknown): number {
  return typeof value === 'number' ? Math.max(1, value) : 1;
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function at(value: unknown, field: string): unknown {
  return (value as Readonly<Record<string, unknown>> | null | undefined)?.[field];
}

function queriesOf(query: unknown): readonly unknown[] {
  const all = at(query, 'all');
  return Array.isArray(all) ? all : [query];
}

function readingCost(query: unknown): number {
  const kinds = Object.entries(READ).flatMap(([kind, cost]) => (at(query, kind) == null ? [] : [cost]));
  return Math.max(READ_STORED, ...kinds);
}

function rearranges({ diversity, groupBy, duplicates, orderBy }: FieldArguments): boolean {
  return (
    (typeof diversity === 'number' && diversity > 0) ||
    groupBy != null ||
    duplicates === 'HIDE' ||
    orderBy != null
  );
}
