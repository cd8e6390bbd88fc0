import type { Modality } from '../domain/modality.js';
import { gather, type Matrix, rowOf } from '../encoder/math/matrix.js';
import type { PairTable } from './source-set.js';

/** Items of one modality that take part: each is a query, and all are the gallery of the other modality. */
interface FeatureSide {
  readonly features: Matrix;
  /** [n]; decides ties, ascending. Without it the order of the rows does. */
  readonly ids?: readonly string[];
  /** [n]; index into the part's class names, −1 for none. */
  readonly classes: Int32Array;
  /** [n]; items of one pair share a number. */
  readonly pairs: Int32Array;
}

/** Pairs to measure on. */
export interface MeasuredPart {
  readonly sides: Readonly<Record<Modality, FeatureSide>>;
  readonly classNames: readonly string[];
}

/** A picture with several captions stands in several pairs, but is one query and one item of the gallery. */
export function partOfTable(table: PairTable): MeasuredPart {
  const names = new Map<string, number>();
  const classNames: string[] = [];
  const classes = table.classOf.map((row) => {
    if (row === null) return -1;
    const number = names.get(row.id) ?? names.size;
    if (number === names.size) classNames.push(row.name);
    names.set(row.id, number);
    return number;
  });
  const pairNumbers = new Map<string, number>();
  const pairs = table.pairs.map(({ pairId }) => {
    const number = pairNumbers.get(pairId) ?? pairNumbers.size;
    pairNumbers.set(pairId, number);
    return number;
  });
  const side = (ids: readonly string[], features: Matrix): FeatureSide => {
    const first = new Map<string, number>();
    ids.forEach((id, row) => {
      if (!first.has(id)) first.set(id, row);
    });
    const rows = [...first.values()];
    return {
      features: gather(rows.map((row) => rowOf(features, row))),
      ids: [...first.keys()],
      classes: Int32Array.from(rows, (row) => classes[row] ?? -1),
      pairs: Int32Array.from(rows, (row) => pairs[row] ?? -1),
    };
  };
  return {
    sides: {
      IMAGE: side(
        table.pairs.map(({ imageId }) => imageId),
        table.image,
      ),
      TEXT: side(
        table.pairs.map(({ textId }) => textId),
        table.text,
      ),
    },
    classNames,
  };
}
