import type {
  ClassifiedFragment,
  ClassMeasuresFragment,
  MethodFragment,
  ReportPartFragment,
  ReportQuery,
} from '../__generated__/operations.js';

type MethodName = MethodFragment['method'];
export type View = 'avg' | 'i2t' | 't2i';

/** A figure with its interval, which only an evaluation has. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface MethodView {
  readonly method: MethodName;
  readonly figures: Readonly<Record<View, ReadonlyMap<string, Estimate>>>;
}

export interface PartView {
  readonly images: number;
  readonly texts: number;
  readonly classes: number;
  readonly methods: readonly MethodView[];
  readonly curves: ReportPartFragment['curves'];
  readonly perClass: readonly ClassMeasuresFragment[];
}

/** What was measured of a version: by an evaluation, or else by its training. */
export interface ReportView {
  readonly source: 'evaluation' | 'training';
  readonly evaluatedAt: string | null;
  readonly confidence: number | null;
  readonly seen: PartView | null;
  readonly unseen: PartView | null;
  readonly harmonic: readonly MethodView[];
  readonly classification: readonly ClassifiedFragment[];
  readonly notes: readonly string[];
}

/** The results of an evaluation; null before the first. */
export function fromEvaluation(evaluation: ReportQuery['evaluation']): ReportView | null {
  if (evaluation?.evaluatedAt == null) return null;
  const { seen, unseen, harmonic, classification, notes, interval, evaluatedAt } = evaluation;
  return {
    source: 'evaluation',
    evaluatedAt,
    confidence: interval?.confidence ?? null,
    seen: seen && partOf(seen),
    unseen: unseen && partOf(unseen),
    harmonic: harmonic.map(methodOf),
    classification,
    notes,
  };
}

function partOf(part: ReportPartFragment): PartView {
  return { ...part, methods: part.methods.map(methodOf) };
}

function methodOf({ method, ...figures }: MethodFragment): MethodView {
  const map = (view: View) => new Map(figures[view].map(({ metric, ...estimate }) => [metric, estimate]));
  return { method, figures: { avg: map('avg'), i2t: map('i2t'), t2i: map('t2i') } };
}

/** The record of a training as the API gives it in `Encoder.record`. */
interface TrainingRecord {
  readonly evaluatedAt?: string;
  readonly seen?: RecordPart | null;
  readonly unseen?: RecordPart | null;
  readonly harmonic?: readonly RecordMethod[] | null;
  readonly notes?: readonly string[];
}
interface RecordPart {
  readonly images: number;
  readonly texts: number;
  readonly classes: number;
  readonly methods: readonly RecordMethod[];
}
type RecordMethod = { readonly method: string } & Readonly<Record<View, Readonly<Record<string, Estimate>>>>;

/** What the training measured, which has no intervals, curves and classes; null before it did. */
export function fromRecord(
  json: Readonly<Record<string, unknown>> | null,
  classification: readonly ClassifiedFragment[],
): ReportView | null {
  if (json === null) return null;
  const record = json as TrainingRecord;
  const part = (given: RecordPart | null | undefined): PartView | null =>
    given == null
      ? null
      : {
          images: given.images,
          texts: given.texts,
          classes: given.classes,
          methods: given.methods.map(recordMethod),
          curves: [],
          perClass: [],
        };
  return {
    source: 'training',
    evaluatedAt: record.evaluatedAt ?? null,
    confidence: null,
    seen: part(record.seen),
    unseen: part(record.unseen),
    harmonic: (record.harmonic ?? []).map(recordMethod),
    classification,
    notes: record.notes ?? [],
  };
}

function recordMethod({ method, ...figures }: RecordMethod): MethodView {
  const map = (view: View) => new Map(Object.entries(figures[view]));
  return {
    method: method.toUpperCase() as MethodName,
    figures: { avg: map('avg'), i2t: map('i2t'), t2i: map('t2i') },
  };
}

/** Metrics that the report offers, in this order, where they were measured. */
export const METRICS = [
  'map@all',
  'map@50',
  'recall@1',
  'recall@5',
  'recall@10',
  'mrr@10',
  'ndcg@10',
  'precision@1',
  'precision@5',
  'precision@10',
  'median_rank',
] as const;

/** Lower is better, and it is not a share. */
export const RANKS: ReadonlySet<string> = new Set(['median_rank']);
