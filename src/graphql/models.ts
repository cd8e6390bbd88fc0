import type { ClassRow, ItemRow } from '../services/models.js';

/** What stands behind the schema's `Node`. */
export type NodeModel = ItemRow | ClassRow;

export function isItem(model: NodeModel): model is ItemRow {
  return 'modality' in model;
}
