import type { EncoderRow } from '../../catalog/types.js';
import type { HeldOutReport } from '../../evaluation/evaluation.js';
import type { PromotionCheck } from './promotion.js';
import { readRequest, type TrainRequest } from './train-request.js';

/** What stands in an encoder's report; nothing of it before it was measured. */
export interface EncoderReport {
  readonly pairs?: number;
  readonly classes?: number;
  readonly holdout?: HeldOutReport;
  readonly notes?: readonly string[];
  readonly seconds?: number;
  readonly promotion?: PromotionCheck;
}

export function encoderReport(row: EncoderRow): EncoderReport {
  // It is stored as TrainingRun and Activation write it, and by nobody else.
  return row.report as EncoderReport;
}

/** What was asked for; null for an encoder that is older than requests are. */
export function encoderRequest(row: EncoderRow): TrainRequest | null {
  return row.request.preset === undefined ? null : readRequest(row.request);
}
