import type { RowFileRef } from '../domain/matrix.js';
import { gather, type Matrix, rowOf } from '../encoder/math/matrix.js';
import { openRowFile } from '../platform/row-file.js';

/** One image and one text that share a pair. An image with five captions is in five rows. */
export interface PairRow {
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

/** Pairs with the features and the classes that training and evaluation read. The features are in memory, or in files. */
export interface PairTable<Features extends Matrix | RowFileRef = Matrix> extends PairList {
  /** [N, dv], row i the image of pair i. */
  readonly image: Features;
  /** [N, dt] */
  readonly text: Features;
}

/** Reads the features into memory. It blocks: it is for worker threads. @throws CommonspaceError BAD_ROWS */
export function openTable(table: PairTable<RowFileRef>): PairTable {
  const read = ({ file }: RowFileRef): Matrix => {
    const opened = openRowFile(file);
    try {
      return opened.read(Int32Array.from({ length: opened.rows }, (_, row) => row));
    } finally {
      opened.close();
    }
  };
  return { ...table, image: read(table.image), text: read(table.text) };
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
