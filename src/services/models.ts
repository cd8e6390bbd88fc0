/** What services answer with, for callers that must not know the catalogue. */
export type { ClassRow, ImageRow, ItemRow, TextRow } from '../catalog/types.js';
