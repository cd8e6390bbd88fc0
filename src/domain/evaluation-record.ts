/**
 * The record of an evaluation: what a training or an evaluation measured of an encoder, as the database stores it. Records of
 * older versions lack fields that were added later: these have a default.
 */
import { z } from 'zod';
import { composition } from './composition.js';
import { METRIC_NAMES } from './metric-values.js';

/** A figure; null where nothing could be counted. Records of older versions may lack it. */
export const figure = z.number().nullable().default(null);

/**
 * What is measured on the same rows: the encoder (`masln`) and each of its parts alone (the networks' codes, their posteriors, the
 * CCA branch, the semantic branch, and `zero_shot`: the space of a pre-trained model as it is), an encoder with the paper's losses alone, semantic matching (`sm`), CCA, and the expectation of a random order.
 * Parts are measured where the embedding has more than one.
 */
export const METHODS = [
  'masln',
  'codes',
  'posteriors',
  'cca_part',
  'semantic_part',
  'zero_shot',
  'paper',
  'sm',
  'cca',
  'chance',
] as const;

/** `low` and `high` are the interval; null for chance, which is an expectation, and where none was computed. */
const estimate = z.object({ value: figure, low: figure, high: figure });
const estimates = z.record(z.enum(METRIC_NAMES), estimate);

/** A method's figures: image → text, text → image, and the mean of both. */
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
  /** The classes that its queries find in its place, most often first; empty in records of older versions. */
  confusedWith: z
    .array(z.object({ name: z.string(), share: z.number() }))
    .readonly()
    .default([]),
});

/** Held-out pairs of seen, or of unseen classes: queries and gallery are these pairs alone. */
const part = z.object({
  /** Distinct images, texts and classes. */
  images: z.number(),
  texts: z.number(),
  classes: z.number(),
  counts: z.object({ i2t: queryCounts, t2i: queryCounts }),
  /** The encoder first, then the baselines. */
  methods: z.array(methodFigures).readonly(),
  /** Precision over recall of each method in each direction; empty where the space was not analysed, like the next. */
  curves: z.array(curve).readonly(),
  /** The encoder's figures for each class; by mean average precision, best first. */
  perClass: z.array(classDetails).readonly(),
});

/** How often the right class is found; figures are 0 to 1. */
const classAccuracy = z.looseObject({
  /** Number of classes to choose among. */
  classes: z.number(),
  /** Share of the items with a right class at rank 1, and at ranks 1 to 5. */
  top1: z.number(),
  top5: z.number(),
  /** The expectation for a random order of the classes. */
  chance1: z.number(),
  chance5: z.number(),
});

const groupAccuracy = z.looseObject({
  items: z.number(),
  /** Among all classes, seen and unseen together: the harder task. */
  amongAll: classAccuracy,
  /** Items of seen classes among the seen classes alone, items of unseen classes among the unseen classes alone. */
  amongOwn: classAccuracy,
  /** The top-1 share of always answering the most frequent class of these items. */
  majority: z.number(),
});

/** The held-out items of one modality; null where no such item has a class. */
const modalityAccuracy = z.looseObject({
  seen: groupAccuracy.nullable(),
  unseen: groupAccuracy.nullable(),
  /** Of both groups' top-1 among all classes; null where a group has no items. */
  harmonicMean: figure,
});

export const classificationFigures = z.looseObject({ IMAGE: modalityAccuracy, TEXT: modalityAccuracy });

const figures = z.object({
  /** Null where fewer than two pairs were held out. */
  seen: part.nullable(),
  unseen: part.nullable(),
  /** The harmonic mean of a method's figures on seen and on unseen classes; null unless both exist. */
  harmonic: z.array(methodFigures).readonly().nullable(),
  /** How well held-out items are classified; null where no class has a name. */
  classification: classificationFigures.nullable().default(null),
});

/** An evaluation of an encoder on held-out pairs, by a training or by `evaluate`. */
export const evaluationRecord = z.object({
  encoder: z.string(),
  preset: z.string(),
  /** ISO 8601. */
  evaluatedAt: z.string(),
  seconds: z.number(),
  /** The training set of the encoder and of each baseline. */
  source: z.object({ pairs: z.number(), classes: z.number() }),
  /** What the embeddings of the encoder consist of; empty in records of older versions. */
  composition: composition.default([]),
  /** Whether no measured image or text has the content of a training item; older versions did not check it. */
  newContentOnly: z.boolean().default(false),
  /** How the intervals were computed (docs/evaluation.md has the formula); null where none were. */
  interval: z
    .looseObject({ confidence: z.number(), resamples: z.number(), seed: z.number() })
    .nullable()
    .default(null),
  ...figures.shape,
  /** The folder of its run with the report; null where none was written. */
  run: z.string().nullable().default(null),
  notes: z.array(z.string()).readonly(),
});

export type Method = (typeof METHODS)[number];
export type Estimate = Readonly<z.output<typeof estimate>>;
export type Estimates = Readonly<z.output<typeof estimates>>;
export type MethodFigures = Readonly<z.output<typeof methodFigures>>;
export type PartRecord = Readonly<z.output<typeof part>>;
export type GroupAccuracy = Readonly<z.output<typeof groupAccuracy>>;
export type ModalityAccuracy = Readonly<z.output<typeof modalityAccuracy>>;
export type ClassificationFigures = Readonly<z.output<typeof classificationFigures>>;
export type EvaluationFigures = Readonly<z.output<typeof figures>>;
export type EvaluationRecord = Readonly<z.output<typeof evaluationRecord>>;
/** A record to store: it may lack the fields that records of older versions lack. */
export type NewEvaluationRecord = Readonly<z.input<typeof evaluationRecord>>;

/** The figures of one method; null where it was not measured. */
export function figuresOf(
  methods: readonly MethodFigures[] | null | undefined,
  method: Method,
): MethodFigures | null {
  return methods?.find((one) => one.method === method) ?? null;
}
