import type { ItemFilter } from '../../domain/filter.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database } from '../postgres/database.js';
import type { ClassRow } from '../types.js';
import { filterSql, Parameters } from '../vectors/filter-sql.js';

/** Longer strings are no values to choose from. */
const VALUE_CHARACTERS = 1_000;

export interface ClassCount {
  readonly class: ClassRow;
  readonly count: number;
}

export interface MetadataCount {
  readonly key: string;
  readonly value: string | number | boolean;
  /** The value as Postgres writes it. */
  readonly text: string;
  readonly count: number;
}

/** Counts of the items that match a filter. One statement for each kind of count. */
export class FacetCounts {
  constructor(private readonly db: Database) {}

  /** In the order of MODALITIES, those with items only. */
  async modalities(
    filter: ItemFilter | null,
  ): Promise<{ readonly modality: Modality; readonly count: number }[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce<{ modality: Modality; count: number }>(
      `SELECT i.modality, count(*)::int AS count FROM item i WHERE ${filterSql(filter, parameters)} GROUP BY 1`,
      parameters.values,
    );
    return rows.sort((a, b) => MODALITIES.indexOf(a.modality) - MODALITIES.indexOf(b.modality));
  }

  /** The classes with the most items, by count descending, then by name. */
  async classes(filter: ItemFilter | null, limit: number): Promise<ClassCount[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce<ClassRow & { count: number }>(
      `SELECT c.id, c.name, c.description, n.count FROM (
         SELECT ic.class_id, count(*)::int AS count FROM item i JOIN item_class ic ON ic.item_id = i.id AND ic.home = i.home
         WHERE ${filterSql(filter, parameters)} GROUP BY 1) n JOIN class c ON c.id = n.class_id
       ORDER BY n.count DESC, c.name LIMIT ${parameters.add(limit)}`,
      parameters.values,
    );
    return rows.map(({ count, ...row }) => ({ class: row, count }));
  }

  /** The most frequent scalar values of each key, by count descending, then by value. */
  async metadata(
    filter: ItemFilter | null,
    keys: readonly string[],
    limit: number,
  ): Promise<MetadataCount[]> {
    const parameters = new Parameters();
    const names = parameters.add([...keys]);
    return await this.db.runOnce<MetadataCount>(
      `SELECT key, value, text, count FROM (
         SELECT *, row_number() OVER (PARTITION BY key ORDER BY count DESC, text COLLATE "C", jsonb_typeof(value)) AS n
         FROM (
           SELECT key, value, value #>> '{}' AS text, count(*)::int AS count
           FROM item i CROSS JOIN unnest(${names}::text[]) AS k (key) CROSS JOIN LATERAL (SELECT i.metadata -> key) AS v (value)
           WHERE (${filterSql(filter, parameters)}) AND jsonb_typeof(value) IN ('string', 'number', 'boolean')
           GROUP BY key, value) counted
         WHERE length(text) <= ${VALUE_CHARACTERS}) ranked
       WHERE n <= ${parameters.add(limit)} ORDER BY array_position(${names}::text[], key), n`,
      parameters.values,
    );
  }

  /** Those of the keys that no item's metadata has. A key that an item has is found quickly, others need a scan of all items. */
  async unknownKeys(keys: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      keys.map((key) => this.db.run('SELECT 1 FROM item WHERE metadata ? $1 LIMIT 1', [key])),
    );
    return keys.filter((_, i) => found[i]?.length === 0);
  }
}
