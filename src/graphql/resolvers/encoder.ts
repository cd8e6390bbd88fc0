import type { EncoderResolvers } from '../../__generated__/resolver-types.js';
import { classificationOf, heldOut, progressOf, requestOf, stateName } from '../encoder-values.js';

export const encoderFields: EncoderResolvers = {
  state: (row) => stateName(row.state),
  progress: (row) => progressOf(row),
  failure: (row) => (row.state === 'failed' ? row.failure : null),
  request: (row) => requestOf(row),
  pairs: (row) => row.report.pairs ?? null,
  classes: (row) => row.report.classes ?? null,
  seen: (row) => heldOut(row.report.holdout?.seen),
  unseen: (row) => heldOut(row.report.holdout?.unseen),
  classification: (row) => classificationOf(row.report.holdout?.classification),
  cutOffs: (row) => row.config.cutOffs ?? [],
  notes: (row) => row.report.notes ?? [],
  promotion: (row) => row.report.promotion ?? null,
  seconds: (row) => row.report.seconds ?? null,
};
