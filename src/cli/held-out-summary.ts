import {
  type ClassificationFigures,
  type EvaluationRecord,
  figuresOf,
  type Method,
  type PartRecord,
} from '../domain/evaluation-record.js';

/** The main figures of one method in `--json`; 0 to 1, null where nothing could be counted. */
interface MainFigures {
  readonly images: number;
  readonly texts: number;
  readonly i2t_map: number | null;
  readonly t2i_map: number | null;
  /** Means of both directions. */
  readonly 'recall@1': number | null;
  readonly 'recall@10': number | null;
  readonly 'i2t_recall@1': number | null;
  readonly 't2i_recall@1': number | null;
  readonly 'i2t_recall@10': number | null;
  readonly 't2i_recall@10': number | null;
}

type PartSummary = MainFigures & { readonly chance: MainFigures; readonly cca: MainFigures };

export interface HeldOutSummary {
  readonly seen: PartSummary | null;
  readonly unseen: PartSummary | null;
  /** That of the seen part, or of the unseen part where there is no seen one. */
  readonly chance: MainFigures | null;
  readonly classification: ClassificationFigures | null;
}

/** The summary of a record that `train --json`, `demo --json` and `encoders --json` print as `holdout`. */
export function heldOutSummary(record: EvaluationRecord | null): HeldOutSummary | null {
  if (record === null) return null;
  const [seen, unseen] = [summaryOf(record.seen), summaryOf(record.unseen)];
  return {
    seen,
    unseen,
    chance: seen?.chance ?? unseen?.chance ?? null,
    classification: record.classification ?? null,
  };
}

function summaryOf(part: PartRecord | null): PartSummary | null {
  if (part === null) return null;
  return {
    ...mainFigures(part, 'masln'),
    chance: mainFigures(part, 'chance'),
    cca: mainFigures(part, 'cca'),
  };
}

function mainFigures({ images, texts, methods }: PartRecord, method: Method): MainFigures {
  const figures = figuresOf(methods, method);
  const value = (direction: 'i2t' | 't2i' | 'avg', metric: 'map@all' | 'recall@1' | 'recall@10') =>
    figures?.[direction][metric].value ?? null;
  return {
    images,
    texts,
    i2t_map: value('i2t', 'map@all'),
    t2i_map: value('t2i', 'map@all'),
    'recall@1': value('avg', 'recall@1'),
    'recall@10': value('avg', 'recall@10'),
    'i2t_recall@1': value('i2t', 'recall@1'),
    't2i_recall@1': value('t2i', 'recall@1'),
    'i2t_recall@10': value('i2t', 'recall@10'),
    't2i_recall@10': value('t2i', 'recall@10'),
  };
}
