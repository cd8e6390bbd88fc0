import type { EncoderResolvers } from '../../__generated__/resolver-types.js';
import { storedEvaluation } from '../../services/encoders/stored-evaluation.js';
import {
  classificationOf,
  encoderPart,
  epochFigures,
  heldOut,
  progressOf,
  promotionOf,
  requestOf,
  stateName,
} from '../encoder-values.js';

export const encoderFields: EncoderResolvers = {
  state: (row) => stateName(row.state),
  parts: async (row, _args, { services }) => (await services.encoders.parts(row)).map(encoderPart),
  progress: (row) => progressOf(row),
  history: async (row, _args, { services }) => (await services.encoders.history(row)).map(epochFigures),
  failure: (row) => (row.state === 'failed' ? row.failure : null),
  request: (row) => requestOf(row),
  pairs: (row) => row.report.pairs ?? null,
  classes: (row) => row.report.classes ?? null,
  seen: (row) => heldOut(storedEvaluation(row)?.seen),
  unseen: (row) => heldOut(storedEvaluation(row)?.unseen),
  classification: (row) => classificationOf(storedEvaluation(row)?.classification),
  cutOffs: (row) => row.config.cutOffs ?? [],
  record: (row) => (storedEvaluation(row) as Readonly<Record<string, unknown>> | null) ?? null,
  health: (row, _args, { services }) => services.health.of(row),
  notes: (row) => row.report.notes ?? [],
  promotion: (row) => promotionOf(row.report.promotion),
  seconds: (row) => row.report.seconds ?? null,
};
