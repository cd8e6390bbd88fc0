/** What services answer with, for callers that must not know the catalogue. */
export type { ClassRow, EncoderRow, ImageRow, ItemRow, TextRow } from '../catalog/types.js';
