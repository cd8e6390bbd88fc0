/** The extractors whose features are stored, and their removal. */
import type { Database, Queryable } from '../postgres/database.js';
import { encodeUuidArray } from './vector-codec.js';

/** Features that one statement deletes: a few milliseconds, so that writers of items do not wait. */
const DELETED_AT_ONCE = 2_000;

export class StoredExtractors {
  constructor(private readonly db: Database) {}

  /** The ids of the extractors that items or classes have features of, ascending. `on`: the transaction to read in. */
  async ids(on: Queryable = this.db): Promise<string[]> {
    const partitions = await on.run<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'feature'::regclass`,
    );
    const found = new Set<string>();
    for (const { name } of partitions) {
      const [row] = await on.runOnce<{ extractor: string }>(`SELECT extractor FROM ${name} LIMIT 1`);
      if (row) found.add(row.extractor);
    }
    const ofClasses = await on.run<{ extractor: string }>('SELECT DISTINCT extractor FROM class_feature');
    for (const { extractor } of ofClasses) found.add(extractor);
    return [...found].sort();
  }

  /** The number of items that have a feature of this extractor. */
  async count(extractor: string): Promise<number> {
    const [row] = await this.db.run<{ count: number }>(
      'SELECT count(*)::int AS count FROM feature WHERE extractor = $1',
      [extractor],
    );
    return row?.count ?? 0;
  }

  /**
   * Deletes the features of an extractor, of items and classes. Its partition stays, empty.
   *
   * @param check called between statements; throws to end the work
   * @returns how many items had one
   */
  async deleteFeatures(extractor: string, check: () => void): Promise<number> {
    await this.db.run('DELETE FROM class_feature WHERE extractor = $1', [extractor]);
    let deleted = 0;
    for (;;) {
      check();
      const found = await this.db.run<{ id: string }>(
        `SELECT item_id AS id FROM feature WHERE extractor = $1 ORDER BY item_id LIMIT ${DELETED_AT_ONCE}`,
        [extractor],
      );
      if (found.length === 0) return deleted;
      const rows = await this.db.run(
        'DELETE FROM feature WHERE extractor = $1 AND item_id = ANY($2::uuid[]) RETURNING item_id',
        [extractor, encodeUuidArray(found.map(({ id }) => id))],
      );
      deleted += rows.length;
    }
  }
}
