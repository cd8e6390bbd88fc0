import type {
  EvaluationMethod,
  EvaluationPartResolvers,
  EvaluationResolvers,
  MethodFiguresResolvers,
  MetricEstimate,
  PrecisionRecallCurveResolvers,
} from '../../__generated__/resolver-types.js';
import type { MethodFigures } from '../../services/models.js';
import { classificationOf } from '../encoder-values.js';

const STATES = { running: 'RUNNING', done: 'DONE', failed: 'FAILED' } as const;

const METHODS = {
  masln: 'MASLN',
  codes: 'CODES',
  posteriors: 'POSTERIORS',
  cca_part: 'CCA_PART',
  semantic_part: 'SEMANTIC_PART',
  zero_shot: 'ZERO_SHOT',
  paper: 'PAPER',
  sm: 'SM',
  cca: 'CCA',
  chance: 'CHANCE',
} as const satisfies Record<MethodFigures['method'], EvaluationMethod>;

export const evaluationFields: EvaluationResolvers = {
  encoder: (row, _args, { services }) => services.encoders.require(row.encoderId),
  state: (row) => STATES[row.state],
  failure: (row) => (row.state === 'failed' ? row.failure : null),
  evaluatedAt: (row) => dateOf(row.record?.evaluatedAt),
  seconds: (row) => row.record?.seconds ?? null,
  sourcePairs: (row) => row.record?.source.pairs ?? null,
  sourceClasses: (row) => row.record?.source.classes ?? null,
  interval: (row) => row.record?.interval ?? null,
  seen: (row) => row.record?.seen ?? null,
  unseen: (row) => row.record?.unseen ?? null,
  harmonic: (row) => row.record?.harmonic ?? [],
  classification: (row) => classificationOf(row.record?.classification),
  notes: (row) => row.record?.notes ?? [],
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

function dateOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}

function estimates(figures: MethodFigures['avg']): MetricEstimate[] {
  return Object.entries(figures).map(([metric, estimate]) => ({ metric, ...estimate }));
}
