/** The record of an encoder's evaluation, as `encoder_evaluation.record` holds it; see src/evaluation/evaluation-record.ts. */
import { z } from 'zod';
import { classificationFigures, figure } from '../../domain/encoder-record.js';
import { METRIC_NAMES } from '../../domain/metric-values.js';

const METHODS = ['masln', 'paper', 'sm', 'cca', 'chance'] as const;

const estimate = z.object({ value: figure, low: figure, high: figure });
const estimates = z.record(z.enum(METRIC_NAMES), estimate);

const methodFigures = z.object({
  method: z.enum(METHODS),
  i2t: estimates,
  t2i: estimates,
  avg: estimates,
});

const queryCounts = z.object({
  queries: z.number(),
  gallery: z.number(),
  withoutRelevant: z.number(),
  withoutCounterpart: z.number(),
});

const curve = z.object({
  method: z.enum(METHODS),
  direction: z.enum(['i2t', 't2i']),
  recall: z.array(z.number()).readonly(),
  precision: z.array(z.number()).readonly(),
});

const classDetails = z.object({
  name: z.string(),
  seen: z.boolean(),
  images: z.number(),
  texts: z.number(),
  i2tAp: figure,
  t2iAp: figure,
  chance: figure,
});

const part = z.object({
  images: z.number(),
  texts: z.number(),
  classes: z.number(),
  counts: z.object({ i2t: queryCounts, t2i: queryCounts }),
  methods: z.array(methodFigures).readonly(),
  curves: z.array(curve).readonly(),
  perClass: z.array(classDetails).readonly(),
});

export const evaluationJson = z.object({
  encoder: z.string(),
  preset: z.string(),
  /** ISO 8601. */
  evaluatedAt: z.string(),
  seconds: z.number(),
  source: z.object({ pairs: z.number(), classes: z.number() }),
  interval: z
    .looseObject({ confidence: z.number(), resamples: z.number(), seed: z.number() })
    .nullable()
    .default(null),
  seen: part.nullable(),
  unseen: part.nullable(),
  harmonic: z.array(methodFigures).readonly().nullable(),
  classification: classificationFigures.nullable().default(null),
  run: z.string().nullable().default(null),
  notes: z.array(z.string()).readonly(),
});

export type StoredEvaluation = Readonly<z.output<typeof evaluationJson>>;
/** What may be stored: fields that older records lack may be left out. */
export type NewEvaluation = Readonly<z.input<typeof evaluationJson>>;
