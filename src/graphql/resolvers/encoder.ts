import type { EncoderResolvers } from '../../__generated__/resolver-types.js';
import { cutOffsOf } from '../../evaluation/similarity-thresholds.js';
import { classificationOf, heldOut, progressOf, reportOf, requestOf, stateName } from '../encoder-values.js';

export const encoderFields: EncoderResolvers = {
  state: (row) => stateName(row.state),
  progress: (row) => progressOf(row),
  failure: (row) => (row.state === 'failed' ? row.failure : null),
  request: (row) => requestOf(row),
  pairs: (row) => reportOf(row).pairs ?? null,
  classes: (row) => reportOf(row).classes ?? null,
  seen: (row) => heldOut(reportOf(row).holdout?.seen),
  unseen: (row) => heldOut(reportOf(row).holdout?.unseen),
  classification: (row) => classificationOf(reportOf(row).holdout?.classification),
  cutOffs: (row) => cutOffsOf(row),
  notes: (row) => reportOf(row).notes ?? [],
  promotion: (row) => reportOf(row).promotion ?? null,
  seconds: (row) => reportOf(row).seconds ?? null,
};
