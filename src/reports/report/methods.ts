import { describeComposition } from '../../domain/composition.js';
import { METHODS, type Method } from '../../domain/evaluation-record.js';
import type { Direction } from '../../evaluation/space/space-details.js';
import type { RunRecord, TableRow } from '../run-record.js';

/** The order of methods: the encoder, its parts, the baselines, chance. */
export const METHOD_ORDER: readonly Method[] = METHODS;

export function methodName(method: Method, { preset }: Pick<RunRecord, 'preset'>): string {
  switch (method) {
    case 'masln':
      return `MASLN, ${preset}`;
    case 'codes':
      return 'codes alone';
    case 'posteriors':
      return 'posteriors alone';
    case 'cca_part':
      return 'CCA part alone';
    case 'semantic_part':
      return 'semantic part alone';
    case 'zero_shot':
      return 'zero-shot';
    case 'paper':
      return 'MASLN, paper';
    case 'sm':
      return 'SM';
    case 'cca':
      return 'CCA';
    case 'chance':
      return 'chance';
  }
}

/** Descriptions of the methods for the legend. */
export const METHOD_MEANS: Readonly<Record<Method, string>> = {
  masln: 'the encoder of this run',
  codes: 'of this encoder, the codes of its networks',
  posteriors: 'of this encoder, the posteriors of its networks over the classes of the training set',
  cca_part: 'of this encoder, its CCA branch',
  semantic_part: 'of this encoder, its map to the class embeddings',
  zero_shot: 'the pre-trained model as it is, without training',
  paper: 'the losses of the paper only',
  sm: 'semantic matching: one logistic regression per modality, compared by their posteriors',
  cca: 'regularised canonical correlation analysis, its dimension selected on validation pairs',
  chance: 'the expectation of a random ranking',
};

/** What an embedding of this run's encoder consists of; null in runs of older versions. */
export function compositionText({ compositions = [] }: Pick<RunRecord, 'compositions'>): string | null {
  return describeComposition(compositions) || null;
}

export const DIRECTION_NAME: Readonly<Record<Direction, string>> = {
  i2t: 'image → text',
  t2i: 'text → image',
};

/** The full name of a set: `unseen classes`, `split 1 · unseen classes`. */
export function setName({ set, classes }: Pick<TableRow, 'set' | 'classes'>): string {
  if (set === classes || set.endsWith(`, ${classes}`)) return `${set} classes`;
  return classes === 'mixed' ? `${set}, seen and unseen classes` : `${set} · ${classes} classes`;
}

export function byMethod<T extends { readonly method: Method }>(rows: readonly T[]): T[] {
  return rows.toSorted((a, b) => METHOD_ORDER.indexOf(a.method) - METHOD_ORDER.indexOf(b.method));
}
