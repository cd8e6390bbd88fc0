import { gather, type Matrix, rowOf } from '../encoder/math/matrix.js';

/** One image and one text that share a pair. An image with five captions is in five rows. */
interface PairRow {
  readonly imageId: string;
  readonly textId: string;
  readonly pairId: string;
  /** Class ids of either item, ascending by class name; empty where neither has a class. */
  readonly classIds: readonly string[];
  /** Content hashes: items with the same bytes have the same hash, whatever their ids. */
  readonly imageHash: string;
  readonly textHash: string;
}

export interface PairClass {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

/** Pairs with their classes. */
export interface PairList {
  readonly pairs: readonly PairRow[];
  /** Class of each pair: the first by name where it has several, null for a pair without a class. */
  readonly classOf: readonly (PairClass | null)[];
}

/** Pairs with the features and the classes that training and evaluation read. */
export interface PairTable extends PairList {
  /** [N, dv], row i the image of pair i. */
  readonly image: Matrix;
  /** [N, dt] */
  readonly text: Matrix;
}

/** The rows for which `keep` is true, in the same order. */
export function selectRows(table: PairTable, keep: (row: number) => boolean): PairTable {
  const rows = [...table.pairs.keys()].filter(keep);
  return {
    ...selectPairs(table, keep),
    image: gather(
      rows.map((row) => rowOf(table.image, row)),
      table.image.columns,
    ),
    text: gather(
      rows.map((row) => rowOf(table.text, row)),
      table.text.columns,
    ),
  };
}

/** `selectRows` without features. */
export function selectPairs({ pairs, classOf }: PairList, keep: (row: number) => boolean): PairList {
  return { pairs: pairs.filter((_, row) => keep(row)), classOf: classOf.filter((_, row) => keep(row)) };
}

/** The classes of the pairs, each once, ascending by name. */
export function uniqueClasses(table: PairList): PairClass[] {
  const byId = new Map(table.classOf.flatMap((row) => (row === null ? [] : [[row.id, row] as const])));
  return [...byId.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
