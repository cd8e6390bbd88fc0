import type { JsonObject } from '../catalog/types.js';
import type { MetricName } from '../domain/metric-values.js';
import type { QueryCounts } from '../domain/metrics.js';
import type { ClassificationFigures } from './classification-figures.js';
import type { ClassDetails, MethodCurve } from './space/space-details.js';

/**
 * A figure with the interval that it lies in. `low` and `high` are null where there is no interval: for chance, which is an
 * expectation, and where nothing was counted.
 */
export interface Estimate extends JsonObject {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export type Estimates = Readonly<Record<MetricName, Estimate>>;

/**
 * What was measured: the encoder itself, or a baseline on the very same rows. `sm` (semantic matching) knows no class that it
 * has not seen, so it stands beside seen classes alone.
 */
export type Method = 'masln' | 'paper' | 'sm' | 'cca' | 'chance';

/** A method's figures: picture → text, text → picture, and the mean of both. */
export interface MethodFigures extends JsonObject {
  readonly method: Method;
  readonly i2t: Estimates;
  readonly t2i: Estimates;
  readonly avg: Estimates;
}

/** Held-out pairs of seen, or of unseen classes: queries and gallery are these pairs and no others. */
export interface PartRecord extends JsonObject {
  /** Distinct images, texts and classes that took part. */
  readonly images: number;
  readonly texts: number;
  readonly classes: number;
  readonly counts: { readonly i2t: QueryCounts; readonly t2i: QueryCounts };
  /** The encoder first, then the baselines. */
  readonly methods: readonly MethodFigures[];
  /** Precision over recall, of each method in each direction. */
  readonly curves: readonly MethodCurve[];
  /** Of the encoder; by mean average precision, best first. */
  readonly perClass: readonly ClassDetails[];
}

/** How the intervals were worked out: docs/evaluation.md has the formula. */
interface IntervalRecord extends JsonObject {
  /** 0.95 */
  readonly confidence: number;
  readonly resamples: number;
  readonly seed: number;
}

/** An evaluation of an encoder on pairs that it was not trained on. Plain JSON, to store and to serve. */
export interface EvaluationRecord extends JsonObject {
  readonly encoder: string;
  readonly preset: string;
  /** ISO 8601. */
  readonly evaluatedAt: string;
  readonly seconds: number;
  /** What the encoder (and each baseline) learnt from. */
  readonly source: { readonly pairs: number; readonly classes: number };
  readonly interval: IntervalRecord;
  /** Null where fewer than two such pairs were held out. */
  readonly seen: PartRecord | null;
  readonly unseen: PartRecord | null;
  /** The harmonic mean of a method's figures on seen and on unseen classes; null unless there are both. */
  readonly harmonic: readonly MethodFigures[] | null;
  /** How well held-out items are classified; null where no class has a name. Absent from records of older versions. */
  readonly classification?: ClassificationFigures | null;
  /** The folder of its run, with the report in it; null where none was written. */
  readonly run: string | null;
  readonly notes: readonly string[];
}
