import type { ItemFilter } from '../../domain/filter.js';
import type { Modality } from '../../domain/modality.js';
import type { PictureHash } from '../../domain/picture-hash.js';
import type { ChangeStamp } from '../postgres/change-stamp.js';
import type { Database } from '../postgres/database.js';
import type { ClassRow, ExistingItem, ItemIdentity, ItemRow, ItemWrite } from '../types.js';
import { filterSql, Parameters } from '../vectors/filter-sql.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import type { VectorWrites } from '../vectors/vector-writes.js';
import type { Words } from '../words/words.js';
import { deleteEmptyPairs, sweepEmptyPairs } from './empty-pairs.js';
import { deleteItems } from './item-deletes.js';
import {
  type CounterpartsOf,
  countCounterparts,
  counterpartPages,
  type OrderedPage,
  orderedItems,
} from './item-pages.js';
import { classesOf, itemsByIds } from './item-reads.js';
import { type ItemUpdate, itemsToUpdate, updateItems } from './item-updates.js';
import { writeItems } from './item-writes.js';
import { hashesOf } from './picture-hashes.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from './rows.js';

/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** Items: images and texts. Ids must be UUIDs, or the database refuses the statement; see isUuid. */
export class Items {
  constructor(
    private readonly db: Database,
    private readonly parts: {
      readonly partitions: VectorPartitions;
      readonly vectors: VectorWrites;
      readonly words: Words;
      readonly changes: ChangeStamp;
    },
  ) {}

  async byId(id: string): Promise<ItemRow | null> {
    return (await this.byIds([id]))[0] ?? null;
  }

  /** The items that exist, in the order of the ids. */
  byIds(ids: readonly string[]): Promise<ItemRow[]> {
    return itemsByIds(this.db, ids);
  }

  async byExternalId(externalId: string): Promise<ItemRow | null> {
    const stored = await this.db.prisma.item.findUnique({ where: { externalId } });
    return stored && itemRow(stored);
  }

  /** The item of each identity, or null. */
  async findExisting(identities: readonly ItemIdentity[]): Promise<(ExistingItem | null)[]> {
    type Found = StoredItem & {
      position: number;
      version: string;
      pairKey: string | null;
    };
    const column = (value: (identity: ItemIdentity) => string | null) => identities.map(value);
    const rows = await this.db.run<Found>(
      `WITH wanted AS (
         SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
           AS w (external_id, modality, content_hash, pair_key, position)),
       found AS (
         SELECT w.position, i.id, i.home FROM wanted w JOIN item i ON i.external_id = w.external_id
         UNION ALL
         SELECT w.position, i.id, i.home FROM wanted w
           JOIN item i ON i.content_hash = w.content_hash AND i.modality = w.modality::modality
         WHERE w.external_id IS NULL AND i.external_id IS NULL AND w.pair_key IS NULL AND i.pair_id IS NULL
         UNION ALL
         SELECT w.position, i.id, i.home FROM wanted w JOIN pair p ON p.key = w.pair_key
           JOIN item i ON i.content_hash = w.content_hash AND i.modality = w.modality::modality
             AND i.pair_id = p.id AND i.home = p.home
         WHERE w.external_id IS NULL AND i.external_id IS NULL)
       SELECT found.position::int, i.xmin::text AS version, ${ITEM_COLUMNS}, p.key AS "pairKey"
       FROM found JOIN item i ON i.id = found.id AND i.home = found.home LEFT JOIN pair p ON p.id = i.pair_id AND p.home = i.home`,
      [
        column((identity) => ('externalId' in identity ? identity.externalId : null)),
        column((identity) => ('externalId' in identity ? null : identity.modality)),
        column((identity) => ('externalId' in identity ? null : identity.contentHash)),
        column((identity) => ('externalId' in identity ? null : identity.pairKey)),
      ],
    );
    const existing = new Array<ExistingItem | null>(identities.length).fill(null);
    const classes = await this.classesOf(rows.map((row) => row.id));
    for (const row of rows) {
      const classNames = classes.get(row.id)?.map(({ name }) => name) ?? [];
      const { version, pairKey } = row;
      existing[row.position - 1] = { row: itemRow(row), version, pairKey, classNames };
    }
    return existing;
  }

  /** Inserts or replaces items by their ids, all or none; see writeItems. Returns them in the order of the writes. */
  async upsertMany(writes: readonly ItemWrite[]): Promise<ItemRow[]> {
    const rows = await writeItems(this.db, this.parts, writes);
    await this.parts.changes.add();
    return rows;
  }

  /** Matching items of these pairs, by ascending id. */
  async ofPairs(pairIds: readonly string[], filter: ItemFilter): Promise<ItemRow[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce<StoredItem>(
      `SELECT ${ITEM_COLUMNS} FROM item i
       WHERE i.pair_id = ANY(${parameters.add(encodeUuidArray(pairIds))}::uuid[]) AND ${filterSql(filter, parameters)}
       ORDER BY i.id`,
      parameters.values,
    );
    return rows.map(itemRow);
  }

  /** The number of items of each pair, by key; absent for a pair that does not exist. */
  async pairSizes(keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    if (keys.length === 0) return new Map();
    const rows = await this.db.run<{ key: string; items: number }>(
      `SELECT p.key, count(*)::int AS items FROM pair p JOIN item i ON i.pair_id = p.id AND i.home = p.home
       WHERE p.key = ANY($1::text[]) GROUP BY p.key`,
      [keys],
    );
    return new Map(rows.map(({ key, items }) => [key, items]));
  }

  /** The number of pairs of an image and a text; an image with five captions counts five times. */
  async countPairs(): Promise<number> {
    const [row] = await this.db.run<{ pairs: number }>(
      `SELECT count(*)::int AS pairs FROM item i JOIN item t ON t.pair_id = i.pair_id AND t.home = i.home AND t.modality = 'TEXT'
       WHERE i.modality = 'IMAGE'`,
    );
    return row?.pairs ?? 0;
  }

  /** Matching items by ascending id, which is the order in which they were first stored. */
  async page(options: {
    readonly filter: ItemFilter | null;
    /** The last id of the previous page; null for the first page. */
    readonly afterId: string | null;
    readonly limit: number;
  }): Promise<ItemRow[]> {
    const parameters = new Parameters();
    const after = options.afterId === null ? 'true' : `i.id > ${parameters.add(options.afterId)}::uuid`;
    const rows = await this.db.runOnce<StoredItem>(
      `SELECT ${ITEM_COLUMNS} FROM item i WHERE ${after} AND ${filterSql(options.filter, parameters)}
       ORDER BY i.id LIMIT ${parameters.add(options.limit)}`,
      parameters.values,
    );
    return rows.map(itemRow);
  }

  /** Matching items in an order. */
  ordered(page: OrderedPage): Promise<ItemRow[]> {
    return orderedItems(this.db, page);
  }

  async count(filter: ItemFilter | null): Promise<number> {
    const parameters = new Parameters();
    const [row] = await this.db.runOnce<{ count: number }>(
      `SELECT count(*)::int AS count FROM item i WHERE ${filterSql(filter, parameters)}`,
      parameters.values,
    );
    return row?.count ?? 0;
  }

  async countByModality(): Promise<Record<Modality, number>> {
    const groups = await this.db.prisma.item.groupBy({ by: ['modality'], _count: true });
    const count = (modality: Modality) => groups.find((group) => group.modality === modality)?._count ?? 0;
    return { IMAGE: count('IMAGE'), TEXT: count('TEXT') };
  }

  /** The other items of each item's pair, by ascending id, one page for each of the given ones. */
  counterparts(pages: readonly CounterpartsOf[]): Promise<ItemRow[][]> {
    return counterpartPages(this.db, pages);
  }

  /** The number of other items in each item's pair; an entry for every given id. */
  countCounterparts(itemIds: readonly string[]): Promise<Map<string, number>> {
    return countCounterparts(this.db, itemIds);
  }

  /** The classes of each item, by name; an entry for every given id. */
  classesOf(itemIds: readonly string[]): Promise<Map<string, ClassRow[]>> {
    return classesOf(this.db, itemIds);
  }

  /** The hashes of the images among these items, of those that have one; see areCopies. */
  perceptualHashes(itemIds: readonly string[]): Promise<Map<string, PictureHash>> {
    return hashesOf(this.db, itemIds);
  }

  /** Ids of matching items, ascending. */
  async idsOf(filter: ItemFilter | null): Promise<string[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce<{ id: string }>(
      `SELECT i.id FROM item i WHERE ${filterSql(filter, parameters)} ORDER BY i.id`,
      parameters.values,
    );
    return rows.map((row) => row.id);
  }

  /** Items of a modality without a feature of this extractor, by ascending id after `afterId`. */
  async withoutFeature(
    extractor: string,
    modality: Modality,
    { afterId, limit }: { readonly afterId: string | null; readonly limit: number },
  ): Promise<ItemRow[]> {
    const rows = await this.db.run<StoredItem>(
      `SELECT ${ITEM_COLUMNS} FROM item i LEFT JOIN feature f ON f.item_id = i.id AND f.home = i.home AND f.extractor = $2
       WHERE f.item_id IS NULL AND i.modality = $1::modality AND i.id > COALESCE($4::uuid, '${NIL}')
       ORDER BY i.id LIMIT $3`,
      [modality, extractor, limit, afterId],
    );
    return rows.map(itemRow);
  }

  /** The number of items of a modality without a feature of this extractor. */
  async countWithoutFeature(extractor: string, modality: Modality): Promise<number> {
    const [row] = await this.db.run<{ count: number }>(
      `SELECT count(*)::int AS count FROM item i LEFT JOIN feature f ON f.item_id = i.id AND f.home = i.home AND f.extractor = $2
       WHERE f.item_id IS NULL AND i.modality = $1::modality`,
      [modality, extractor],
    );
    return row?.count ?? 0;
  }

  /**
   * Deletes items with everything that belongs to them alone: vectors, class links, and pairs left without an item.
   *
   * @returns the ids of the items that existed, and the pictures (hex sha256) that they showed, for
   * Media.removeUnreferenced.
   */
  async delete(
    ids: readonly string[],
  ): Promise<{ readonly deletedIds: readonly string[]; readonly contentHashes: readonly string[] }> {
    const gone = await this.db.transaction((tx) => deleteItems(tx, ids), { repeat: true, items: true });
    await this.parts.changes.add();
    await deleteEmptyPairs(
      this.db,
      gone.flatMap((row) => row.pair ?? []),
    );
    const deleted = new Set(gone.map((row) => row.id));
    const hashes = new Set(gone.flatMap((row) => (row.modality === 'IMAGE' ? [row.hash] : [])));
    return { deletedIds: ids.filter((id) => deleted.has(id.toLowerCase())), contentHashes: [...hashes] };
  }

  /** The items of these ids or external ids, for `update`. */
  toUpdate(ids: readonly string[], externalIds: readonly string[]): Promise<ExistingItem[]> {
    return itemsToUpdate(this.db, ids, externalIds);
  }

  /** Changes stored items, all or none; see updateItems. */
  async update(updates: readonly ItemUpdate[]): Promise<Map<string, ItemRow>> {
    const { rows, formerPairs } = await updateItems(this.db, this.parts, updates);
    await this.parts.changes.add();
    await deleteEmptyPairs(this.db, formerPairs);
    return rows;
  }

  /** Deletes the pairs without an item that were stored before a time. @returns how many */
  sweepEmptyPairs(before: Date): Promise<number> {
    return sweepEmptyPairs(this.db, before);
  }
}
