import type { JobRow } from '../domain/job.js';
import type { ApiKeyRow, ClassRow, EncoderRow, ItemRow } from '../services/models.js';
import type { ItemChange } from '../services/search/change-feed.js';
import type { DuplicateMember } from '../services/search/duplicate-service.js';
import type { ExplanationContext } from '../services/search/explanation-service.js';
import type { FacetRequest } from '../services/search/facet-service.js';
import type { SearchPage, SearchResult } from '../services/search/search-service.js';
import type { toConnection } from './connections.js';

/** The object that resolvers of `Node` receive. */
export type NodeModel = ItemRow | ClassRow;

export function isItem(model: NodeModel): model is ItemRow {
  return 'modality' in model;
}

/** The object that resolvers of `SearchEdge` receive: the result, and the context to explain it. */
export interface SearchEdgeModel extends Omit<SearchResult, 'item'> {
  readonly node: ItemRow;
  readonly explainedBy: ExplanationContext | null;
}

/** A connection whose count is not read unless it is selected. */
type CountedConnection<Row> = ReturnType<
  typeof toConnection<Row, { readonly cursor: string; readonly node: Row }>
> & { readonly count: () => Promise<number> };

/** The objects that resolvers of these connections receive. */
export type ItemConnectionModel = CountedConnection<ItemRow>;
export type ClassConnectionModel = CountedConnection<ClassRow>;
export type EncoderConnectionModel = CountedConnection<EncoderRow>;
export type JobConnectionModel = CountedConnection<JobRow>;
export type ApiKeyConnectionModel = CountedConnection<ApiKeyRow>;

/** The object that resolvers of `ItemChange` receive. The item is not read unless it is selected. */
export type ItemChangeModel = ItemChange;

/** The object that resolvers of `Facets` receive: a checked request. */
export type FacetsModel = FacetRequest;

/** The object that resolvers of `SearchConnection` receive. The matched items are not read unless a field needs them. */
export type SearchConnectionModel = ReturnType<typeof toConnection<ItemRow, SearchEdgeModel>> &
  Pick<SearchPage, 'mode' | 'encoderVersion' | 'matched'>;

/** The object that resolvers of `DuplicateMember` receive. */
export type DuplicateMemberModel = DuplicateMember;
