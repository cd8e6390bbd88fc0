import { createHash } from 'node:crypto';
import { type Matrix, rowOf } from '../domain/matrix.js';
import type { PairList } from './pair-table.js';

/**
 * A picture or text with the content of more rows than this is a label or a placeholder rather than a description. It does not
 * make these rows siblings: one such text would make a single group of the whole training set.
 */
const MOST_SIBLINGS = 50;

/**
 * Numbers rows so that rows with an equal key have equal numbers. Rows that are connected by others are one group too.
 *
 * @param keys lists of one key per row. Keys of different lists are not compared. A key of more than MOST_SIBLINGS rows is
 *   ignored, unless its list is `certain`.
 * @returns [rows]: the first row of the group
 */
export function siblingGroups(
  keys: readonly { readonly of: readonly string[]; readonly certain?: boolean }[],
): Int32Array {
  const parent = Int32Array.from({ length: keys[0]?.of.length ?? 0 }, (_, row) => row);
  const rootOf = (row: number): number => {
    let at = row;
    for (let next = parent[at] as number; next !== at; next = parent[at] as number) {
      parent[at] = parent[next] as number;
      at = next;
    }
    return at;
  };
  for (const { of, certain = false } of keys) {
    const counts = new Map<string, number>();
    for (const key of of) counts.set(key, (counts.get(key) ?? 0) + 1);
    const first = new Map<string, number>();
    for (const [row, key] of of.entries()) {
      if (!certain && (counts.get(key) ?? 0) > MOST_SIBLINGS) continue;
      const [a, b] = [rootOf(first.get(key) ?? row), rootOf(row)];
      first.set(key, a);
      parent[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return parent.map((_, row) => rootOf(row));
}

/** The groups of a catalogue's pairs: pairs with one id, one picture or one text, by content. */
export function groupsOfTable({ pairs }: Pick<PairList, 'pairs'>): Int32Array {
  return siblingGroups([
    { of: pairs.map(({ pairId }) => pairId), certain: true },
    { of: pairs.map(({ imageHash }) => imageHash) },
    { of: pairs.map(({ textHash }) => textHash) },
  ]);
}

/** A hash of each row's bytes: equal rows have equal hashes. */
export function rowHashes(matrix: Matrix): string[] {
  return Array.from({ length: matrix.rows }, (_, row) =>
    createHash('sha256').update(rowOf(matrix, row)).digest('base64'),
  );
}
