/**
 * The JSON columns of an encoder's row. Rows of older versions lack fields that were added later: these are optional, or have
 * a default. Unknown fields are kept, because reports are read, extended and written again.
 */
import { z } from 'zod';
import type { EncoderFailure, EncoderProgress, EpochProgress } from './encoder-status.js';
import { classificationFigures, evaluationRecord, figure } from './evaluation-record.js';
import { EVIDENCES } from './evidence.js';
import { MODALITIES } from './modality.js';
import { storedFilter } from './stored-filter.js';

const strings = z.array(z.string()).readonly();
const options = z.record(z.string(), z.unknown());

/** The request of a training. */
export const encoderRequest = z.looseObject({
  preset: z.enum(['paper', 'default']),
  seed: z.number(),
  /** Names of the held-out classes. */
  unseen: strings.default([]),
  /** Share of the other pairs that is held out. */
  holdout: z.number(),
  epochs: z.number().nullable().default(null),
  /** Training options by name, not yet checked against the options of this version. */
  options: z.exactOptional(options),
  learnFrom: storedFilter.nullable().default(null),
  /** The version that the training continues. */
  from: z.exactOptional(z.string().nullable()),
  imageExtractor: z.exactOptional(z.string().nullable()),
  textExtractor: z.exactOptional(z.string().nullable()),
  /** Whether the shared space of the extractors is taken as it is, without training. */
  adopt: z.exactOptional(z.boolean()),
  activate: z.exactOptional(z.boolean()),
  force: z.exactOptional(z.boolean()),
});

const similarityThreshold = z.looseObject({
  evidence: z.enum(EVIDENCES),
  query: z.enum(MODALITIES),
  target: z.enum(MODALITIES),
  /** Cosine similarity; lower ones are cut. */
  threshold: z.number(),
  /**
   * Share of the wrong held-out pairs that are cut, and of the right ones that are kept, by cross-fitting; `rightKept` is null
   * where no pair is right.
   */
  wrongCut: z.number(),
  rightKept: z.number().nullable(),
  /** How many wrong and right pairs there were. */
  wrongPairs: z.number(),
  rightPairs: z.number(),
});

const fusionCoefficients = z.object({
  withCounterpart: z.object({
    constant: z.number(),
    /** Older versions did not have it. */
    content: z.number().default(0),
    counterpart: z.number(),
    counterpartGap: z.number(),
    lexical: z.number(),
    lexicalGap: z.number(),
  }),
  withoutCounterpart: z.object({
    constant: z.number(),
    content: z.number(),
    counterpartBest: z.number(),
    borrowed: z.number(),
    borrowedGap: z.number(),
    lexical: z.number(),
    lexicalGap: z.number(),
    lexicalBest: z.number(),
  }),
  probability: z.object({ offset: z.number(), slope: z.number() }),
});

/** The configuration of a trained encoder: its training options and these fields. */
export const encoderConfig = z.looseObject({
  preset: z.exactOptional(z.string()),
  seed: z.exactOptional(z.number()),
  unseen: z.exactOptional(strings),
  holdout: z.exactOptional(z.number()),
  learnFrom: z.exactOptional(storedFilter.nullable()),
  /** Pairs whose hash (of the pair's id and the seed) is below this were held out. */
  heldOutBelow: z.exactOptional(z.number()),
  /** ISO 8601: items stored later are not in the training set. */
  sourceReadAt: z.exactOptional(z.iso.datetime()),
  /** The space that the features share, and the weight that it has in the encoder as it is. */
  space: z.exactOptional(z.string()),
  alignedShare: z.exactOptional(z.number()),
  epochsRun: z.exactOptional(z.number()),
  /** The version that the training continued. */
  from: z.exactOptional(z.string().nullable()),
  bestEpoch: z.exactOptional(z.number()),
  seenClassIds: z.exactOptional(strings),
  notes: z.exactOptional(strings),
  cutOffs: z.exactOptional(z.array(similarityThreshold).readonly()),
  /** How searches fuse evidence, by the modality of the query; the shipped coefficients where absent. */
  fusion: z.exactOptional(
    z.object({ TEXT: z.exactOptional(fusionCoefficients), IMAGE: z.exactOptional(fusionCoefficients) }),
  ),
});

const retrievalFigures = z.looseObject({
  /** Distinct images and texts; each is a query, and all of the other modality are its gallery. */
  images: z.number(),
  texts: z.number(),
  i2t_map: figure,
  t2i_map: figure,
  'recall@1': figure,
  'recall@10': figure,
  'i2t_recall@1': figure,
  't2i_recall@1': figure,
  'i2t_recall@10': figure,
  't2i_recall@10': figure,
});

/** The encoder's figures with those of chance and CCA on the same rows. */
const comparedFigures = z.looseObject({
  ...retrievalFigures.shape,
  chance: retrievalFigures,
  cca: retrievalFigures,
});

/** The figures that older versions stored in place of an evaluation record. */
const heldOutReport = z.looseObject({
  seen: comparedFigures.nullable().default(null),
  unseen: comparedFigures.nullable().default(null),
  chance: retrievalFigures.nullable().default(null),
  classification: classificationFigures.nullable().default(null),
});

/** map@all, mean of both directions, of two encoders on the same pairs. */
const comparedMaps = z.looseObject({
  pairs: z.number(),
  candidate: z.number().nullable(),
  active: z.number().nullable(),
});

/** The outcome of the promotion gate. */
const promotionCheck = z.looseObject({
  /** The encoder that was active then. */
  against: z.string(),
  /** How far the candidate's map may be below. */
  tolerance: z.number(),
  /** Pairs of the candidate's seen and unseen classes; null where fewer than two are held out. */
  seen: comparedMaps.nullable(),
  unseen: comparedMaps.nullable(),
  /** The maps of the candidate's pre-trained model without training. */
  zeroShot: z.exactOptional(z.object({ seen: figure, unseen: figure }).nullable()),
  /** How many of the pairs compared on are training pairs of the active encoder, which raises its figures. */
  learntByActive: z.number(),
  /** Why the candidate was refused; null where it passed. */
  refusal: z.string().nullable(),
});

/** The measurements of an encoder; empty before the first. */
export const encoderReport = z.looseObject({
  /** Training pairs, and the classes among them. */
  pairs: z.exactOptional(z.number()),
  classes: z.exactOptional(z.number()),
  /** On the held-out pairs. */
  evaluation: z.exactOptional(evaluationRecord),
  /** Of older versions, which stored this in place of `evaluation`. */
  holdout: z.exactOptional(heldOutReport),
  notes: z.exactOptional(strings),
  /** Of all attempts together. */
  seconds: z.exactOptional(z.number()),
  promotion: z.exactOptional(promotionCheck),
  /** While the process that has trained the encoder activates it. */
  activating: z.exactOptional(z.boolean()),
});

/** JSON stores a number that is not finite as null: such a loss is left out. */
const losses = z
  .record(z.string(), z.number().nullable())
  .transform((terms) =>
    Object.fromEntries(Object.entries(terms).filter((term): term is [string, number] => term[1] !== null)),
  );

export const epochProgress: z.ZodType<EpochProgress> = z.object({
  epoch: z.number(),
  epochs: z.number(),
  losses,
  validation: figure,
  discriminatorAccuracy: figure,
  pairsPerSecond: z.number(),
  secondsLeft: z.number(),
});

export const encoderProgress: z.ZodType<EncoderProgress> = z.object({
  stage: z.enum(['features', 'train', 'evaluate', 'embed']),
  done: z.number(),
  all: z.number(),
  epoch: epochProgress.nullable(),
});

export const encoderFailure: z.ZodType<EncoderFailure> = z.object({ code: z.string(), message: z.string() });

export type EncoderRequest = Readonly<z.output<typeof encoderRequest>>;
export type EncoderConfig = Readonly<z.output<typeof encoderConfig>>;
export type EncoderReport = Readonly<z.output<typeof encoderReport>>;
export type SimilarityThreshold = Readonly<z.output<typeof similarityThreshold>>;
export type RetrievalFigures = Readonly<z.output<typeof retrievalFigures>>;
export type ComparedFigures = Readonly<z.output<typeof comparedFigures>>;
export type HeldOutReport = Readonly<z.output<typeof heldOutReport>>;
export type ComparedMaps = Readonly<z.output<typeof comparedMaps>>;
export type PromotionCheck = Readonly<z.output<typeof promotionCheck>>;
