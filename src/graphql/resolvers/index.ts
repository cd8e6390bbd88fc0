import { GraphQLJSONObject } from 'graphql-scalars';
import type { Resolvers } from '../../__generated__/resolver-types.js';
import { dateTime } from '../date-time.js';
import { isItem } from '../models.js';
import { apiKeyFields } from './api-key.js';
import { classFields } from './class.js';
import { countedConnection } from './counted-connections.js';
import { encoderFields } from './encoder.js';
import { evaluationFields, evaluationPart, methodFigures, precisionRecallCurve } from './evaluation.js';
import { facetFields } from './facets.js';
import { imageItem, textItem } from './item.js';
import { itemChange } from './item-change.js';
import { jobFailure, jobFields } from './job.js';
import { activateEncoder } from './mutation-activate-encoder.js';
import { adoptEncoder } from './mutation-adopt-encoder.js';
import { cancelJob } from './mutation-cancel-job.js';
import { cancelTraining } from './mutation-cancel-training.js';
import { createClass } from './mutation-create-class.js';
import { createKey } from './mutation-create-key.js';
import { deleteClass } from './mutation-delete-class.js';
import { deleteEncoder } from './mutation-delete-encoder.js';
import { deleteItems } from './mutation-delete-items.js';
import { deleteMatchingItems } from './mutation-delete-matching-items.js';
import { evaluateEncoder } from './mutation-evaluate-encoder.js';
import { importCatalogue } from './mutation-import-catalogue.js';
import { ingest } from './mutation-ingest.js';
import { ingestBulk } from './mutation-ingest-bulk.js';
import { mergeClasses } from './mutation-merge-classes.js';
import { projectEncoder } from './mutation-project-encoder.js';
import { renameClass } from './mutation-rename-class.js';
import { resumeTraining } from './mutation-resume-training.js';
import { retryFailed } from './mutation-retry-failed.js';
import { revokeKey } from './mutation-revoke-key.js';
import { trainEncoder } from './mutation-train-encoder.js';
import { updateItem } from './mutation-update-item.js';
import { updateItems } from './mutation-update-items.js';
import { classes } from './query-classes.js';
import { classify } from './query-classify.js';
import { crossModalSearch } from './query-cross-modal-search.js';
import { duplicates } from './query-duplicates.js';
import { encoder } from './query-encoder.js';
import { encoders } from './query-encoders.js';
import { evaluation } from './query-evaluation.js';
import { exportCatalogue } from './query-export-catalogue.js';
import { facets } from './query-facets.js';
import { item } from './query-item.js';
import { itemChanges } from './query-item-changes.js';
import { items } from './query-items.js';
import { job } from './query-job.js';
import { jobs } from './query-jobs.js';
import { keys } from './query-keys.js';
import { mapPoints } from './query-map-points.js';
import { mapPositions } from './query-map-positions.js';
import { node } from './query-node.js';
import { nodes } from './query-nodes.js';
import { placeOnMap } from './query-place-on-map.js';
import { previewBulk } from './query-preview-bulk.js';
import { server } from './query-server.js';
import { spaceMap } from './query-space-map.js';
import { searchConnection } from './search-connection.js';
import { searchEdge } from './search-edge.js';
import { encoderProgress } from './subscription-encoder-progress.js';
import { followItemChanges } from './subscription-item-changes.js';
import { jobProgress } from './subscription-job-progress.js';

const ITEM_TYPES = { IMAGE: 'ImageItem', TEXT: 'TextItem' } as const;

/** The resolver map. Each resolver has its own file. */
export const resolvers: Resolvers = {
  DateTime: dateTime,
  JSONObject: GraphQLJSONObject,
  Node: { __resolveType: (model) => (isItem(model) ? ITEM_TYPES[model.modality] : 'Class') },
  Item: { __resolveType: (model) => ITEM_TYPES[model.modality] },
  ImageItem: imageItem,
  TextItem: textItem,
  ItemChange: itemChange,
  ItemConnection: countedConnection,
  ClassConnection: countedConnection,
  EncoderConnection: countedConnection,
  JobConnection: countedConnection,
  ApiKeyConnection: countedConnection,
  ApiKey: apiKeyFields,
  Job: jobFields,
  JobFailure: jobFailure,
  Facets: facetFields,
  Class: classFields,
  Encoder: encoderFields,
  Evaluation: evaluationFields,
  EvaluationPart: evaluationPart,
  MethodFigures: methodFigures,
  PrecisionRecallCurve: precisionRecallCurve,
  SearchConnection: searchConnection,
  SearchEdge: searchEdge,
  Query: {
    node,
    nodes,
    item,
    items,
    itemChanges,
    exportCatalogue,
    facets,
    duplicates,
    crossModalSearch,
    classes,
    classify,
    encoders,
    encoder,
    evaluation,
    jobs,
    job,
    keys,
    previewBulk,
    server,
    spaceMap,
    mapPoints,
    mapPositions,
    placeOnMap,
  },
  Mutation: {
    ingest,
    ingestBulk,
    importCatalogue,
    updateItem,
    updateItems,
    createClass,
    renameClass,
    mergeClasses,
    deleteClass,
    deleteItems,
    deleteMatchingItems,
    trainEncoder,
    adoptEncoder,
    cancelTraining,
    resumeTraining,
    activateEncoder,
    deleteEncoder,
    evaluateEncoder,
    cancelJob,
    retryFailed,
    projectEncoder,
    createKey,
    revokeKey,
  },
  Subscription: { encoderProgress, itemChanges: followItemChanges, jobProgress },
};
