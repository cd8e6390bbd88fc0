/** What services answer with, for callers that must not know the catalogue. */

export type { ApiKeyRow } from '../catalog/repositories/api-keys.js';
export type { EncoderEvaluationRow } from '../catalog/repositories/encoder-evaluations.js';
export type { CounterpartsOf } from '../catalog/repositories/item-pages.js';
export type { ClassRow, EncoderRow, ImageRow, ItemRow, TextRow } from '../catalog/types.js';
export type { MethodFigures, PartRecord } from '../domain/evaluation-record.js';
export type { JobFailure, JobRow } from '../domain/job.js';
export type { MethodCurve } from '../evaluation/space/space-details.js';
