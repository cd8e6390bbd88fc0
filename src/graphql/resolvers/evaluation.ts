import type {
  EvaluationMethod,
  EvaluationPartResolvers,
  EvaluationResolvers,
  MethodFiguresResolvers,
  MetricEstimate,
  PrecisionRecallCurveResolvers,
} from '../../__generated__/resolver-types.js';
import type { EncoderEvaluationRow, EvaluationRecord, MethodFigures } from '../../services/models.js';
import { classificationOf } from '../encoder-values.js';

const STATES = { running: 'RUNNING', done: 'DONE', failed: 'FAILED' } as const;

const METHODS = {
  masln: 'MASLN',
  paper: 'PAPER',
  sm: 'SM',
  cca: 'CCA',
  chance: 'CHANCE',
} as const satisfies Record<MethodFigures['method'], EvaluationMethod>;

export const evaluationFields: EvaluationResolvers = {
  encoder: (row, _args, { services }) => services.encoders.require(row.encoderId),
  state: (row) => STATES[row.state],
  failure: (row) => (row.state === 'failed' ? row.failure : null),
  evaluatedAt: (row) => dateOf(recordOf(row)?.evaluatedAt),
  seconds: (row) => recordOf(row)?.seconds ?? null,
  sourcePairs: (row) => recordOf(row)?.source.pairs ?? null,
  sourceClasses: (row) => recordOf(row)?.source.classes ?? null,
  interval: (row) => recordOf(row)?.interval ?? null,
  seen: (row) => recordOf(row)?.seen ?? null,
  unseen: (row) => recordOf(row)?.unseen ?? null,
  harmonic: (row) => recordOf(row)?.harmonic ?? [],
  classification: (row) => classificationOf(recordOf(row)?.classification),
  notes: (row) => recordOf(row)?.notes ?? [],
};

export const evaluationPart: EvaluationPartResolvers = {
  i2tCounts: ({ counts }) => counts.i2t,
  t2iCounts: ({ counts }) => counts.t2i,
};

export const methodFigures: MethodFiguresResolvers = {
  method: ({ method }) => METHODS[method],
  i2t: ({ i2t }) => estimates(i2t),
  t2i: ({ t2i }) => estimates(t2i),
  avg: ({ avg }) => estimates(avg),
};

export const precisionRecallCurve: PrecisionRecallCurveResolvers = {
  method: ({ method }) => METHODS[method],
  direction: ({ direction }) => (direction === 'i2t' ? 'I2T' : 'T2I'),
};

function recordOf(row: EncoderEvaluationRow): EvaluationRecord | null {
  // It is stored as EvaluationService gives it, and by nobody else.
  return row.record as EvaluationRecord | null;
}

function dateOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}

function estimates(figures: MethodFigures['avg']): MetricEstimate[] {
  return Object.entries(figures).map(([metric, estimate]) => ({ metric, ...estimate }));
}
