import type { ClassRow, ItemRow } from '../services/models.js';
import type { ExplanationContext } from '../services/search/explanation-service.js';
import type { SearchResult } from '../services/search/search-service.js';

/** What stands behind the schema's `Node`. */
export type NodeModel = ItemRow | ClassRow;

export function isItem(model: NodeModel): model is ItemRow {
  return 'modality' in model;
}

/** What stands behind an edge of a search: the result, and what its page can be explained by. */
export interface SearchEdgeModel extends Omit<SearchResult, 'item'> {
  readonly node: ItemRow;
  readonly explainedBy: ExplanationContext | null;
}
