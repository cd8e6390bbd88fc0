import type { EncoderRow } from '../../catalog/types.js';
import type { ComparedFigures, HeldOutReport, RetrievalFigures } from '../../domain/encoder-record.js';
import type {
  Estimates,
  EvaluationRecord,
  Method,
  MethodFigures,
  PartRecord,
} from '../../domain/evaluation-record.js';
import { METRIC_NAMES, type MetricName } from '../../domain/metric-values.js';

/** What a training measured on its held-out pairs; null before that. Records of older versions lack some metrics. */
export function storedEvaluation(row: EncoderRow): EvaluationRecord | null {
  const { evaluation, holdout } = row.report;
  return evaluation ?? (holdout === undefined ? null : fromOldReport(row, holdout));
}

function fromOldReport(row: EncoderRow, { seen, unseen, classification }: HeldOutReport): EvaluationRecord {
  const { pairs = 0, classes = 0 } = row.report;
  return {
    encoder: row.id,
    preset: row.config.preset ?? '',
    evaluatedAt: (row.finishedAt ?? row.createdAt).toISOString(),
    seconds: 0,
    source: { pairs, classes },
    composition: [],
    newContentOnly: false,
    interval: null,
    seen: seen && partOf(seen),
    unseen: unseen && partOf(unseen),
    harmonic: null,
    classification,
    run: null,
    notes: [
      'An older version measured this: queries and gallery may contain images and texts of the training set.',
    ],
  };
}

function partOf(part: ComparedFigures): PartRecord {
  const { images, texts } = part;
  const count = (queries: number, gallery: number) => ({
    queries,
    gallery,
    withoutRelevant: 0,
    withoutCounterpart: 0,
  });
  return {
    images,
    texts,
    classes: 0,
    counts: { i2t: count(images, texts), t2i: count(texts, images) },
    methods: [methodOf('masln', part), methodOf('cca', part.cca), methodOf('chance', part.chance)],
    curves: [],
    perClass: [],
  };
}

function methodOf(method: Method, old: RetrievalFigures): MethodFigures {
  const mean = old.i2t_map === null || old.t2i_map === null ? null : (old.i2t_map + old.t2i_map) / 2;
  return {
    method,
    i2t: estimates({
      'map@all': old.i2t_map,
      'recall@1': old['i2t_recall@1'],
      'recall@10': old['i2t_recall@10'],
    }),
    t2i: estimates({
      'map@all': old.t2i_map,
      'recall@1': old['t2i_recall@1'],
      'recall@10': old['t2i_recall@10'],
    }),
    avg: estimates({ 'map@all': mean, 'recall@1': old['recall@1'], 'recall@10': old['recall@10'] }),
  };
}

function estimates(known: Readonly<Partial<Record<MetricName, number | null>>>): Estimates {
  return Object.fromEntries(
    METRIC_NAMES.map((name) => [name, { value: known[name] ?? null, low: null, high: null }]),
  ) as Estimates;
}
