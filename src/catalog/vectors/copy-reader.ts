import type { Database } from '../postgres/database.js';
import { readItemCopy } from './item-copy.js';
import type { CopyReader } from './stamped-copies.js';
import { partitionsOf, VectorCopyReader } from './vector-copy-reader.js';
import type { VectorTables } from './vector-tables.js';

/** Reads copies of any kind from the database; of vectors with at most `mostFloats` numbers. */
export function copyReader(database: Database, tables: VectorTables, mostFloats?: number): CopyReader {
  const vectors = new VectorCopyReader(database, tables, mostFloats);
  return {
    partitionsOf: (wanted) => (wanted.kind === 'items' ? [] : partitionsOf(wanted)),
    read: (wanted, signal) =>
      wanted.kind === 'items' ? readItemCopy(database, signal) : vectors.read(wanted, signal),
  };
}
