import { GraphQLDateTimeISO, GraphQLJSONObject } from 'graphql-scalars';
import type { Resolvers } from '../../__generated__/resolver-types.js';
import { isItem } from '../models.js';
import { classFields } from './class.js';
import { imageItem, textItem } from './item.js';
import { createClass } from './mutation-create-class.js';
import { deleteItems } from './mutation-delete-items.js';
import { ingest } from './mutation-ingest.js';
import { classes } from './query-classes.js';
import { classify } from './query-classify.js';
import { crossModalSearch } from './query-cross-modal-search.js';
import { item } from './query-item.js';
import { items } from './query-items.js';
import { node } from './query-node.js';
import { searchEdge } from './search-edge.js';

const ITEM_TYPES = { IMAGE: 'ImageItem', TEXT: 'TextItem' } as const;

/** The resolvers, put together; each stands in a file of its own. */
export const resolvers: Resolvers = {
  DateTime: GraphQLDateTimeISO,
  JSONObject: GraphQLJSONObject,
  Node: { __resolveType: (model) => (isItem(model) ? ITEM_TYPES[model.modality] : 'Class') },
  Item: { __resolveType: (model) => ITEM_TYPES[model.modality] },
  ImageItem: imageItem,
  TextItem: textItem,
  Class: classFields,
  SearchEdge: searchEdge,
  Query: { node, item, items, crossModalSearch, classes, classify },
  Mutation: { ingest, createClass, deleteItems },
};
