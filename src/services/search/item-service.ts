import type { Catalog } from '../../catalog/catalog.js';
import type { CounterpartsOf } from '../../catalog/repositories/item-pages.js';
import type { ClassRow, ItemRow } from '../../catalog/types.js';
import { checkPageSize, checkStorable, isStorable } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError, type Failure, type FieldPath, passes } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { isUuid } from '../../domain/ids.js';
import type { ItemOrder } from '../../domain/item-order.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import type { MediaStore } from '../../media/media-store.js';
import type { FilterCheck } from './filter-check.js';
import { encodePosition, positionOf, readPosition } from './item-position.js';

export interface ItemPage {
  readonly items: readonly { readonly item: ItemRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Reads, lists and deletes items. */
export class ItemService {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly filters: FilterCheck,
  ) {}

  async byId(id: string): Promise<ItemRow | null> {
    return isUuid(id) ? await this.catalog.items.byId(id) : null;
  }

  /** @throws CommonspaceError BAD_INPUT for a string that the database cannot store. */
  async byExternalId(externalId: string): Promise<ItemRow | null> {
    checkStorable(externalId, ['externalId']);
    return await this.catalog.items.byExternalId(externalId);
  }

  classesOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly ClassRow[]>> {
    return this.catalog.items.classesOf(ids);
  }

  /** The items of these ids, of those that exist, in no order. */
  async byIds(ids: readonly string[]): Promise<readonly ItemRow[]> {
    return await this.catalog.items.byIds(ids.filter(isUuid));
  }

  /** The other items of each item's pair, by id, one page for each of the given ones. */
  counterparts(pages: readonly CounterpartsOf[]): Promise<readonly (readonly ItemRow[])[]> {
    return this.catalog.items.counterparts(pages);
  }

  countCounterparts(ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.catalog.items.countCounterparts(ids);
  }

  countByModality(): Promise<Readonly<Record<Modality, number>>> {
    return this.catalog.items.countByModality();
  }

  count(filter: ItemFilter | null): Promise<number> {
    return this.catalog.items.count(filter);
  }

  /** Items in the order, by default that in which they were stored, which is that of their ids. */
  async page(
    filter: ItemFilter | null,
    first: number,
    after: string | null,
    order: ItemOrder | null = null,
  ): Promise<ItemPage> {
    checkPageSize(first, LIMITS.itemPageSize);
    const print = fingerprint(order === null ? { items: filter } : { items: filter, order });
    const position = after === null ? null : decodeCursor(after, print);
    const rows = await this.read(filter, order, position, first + 1);
    return {
      items: rows.slice(0, first).map((item) => ({
        item,
        cursor: encodeCursor(print, order === null ? item.id : encodePosition(positionOf(item, order))),
      })),
      hasNextPage: rows.length > first,
      hasPreviousPage: position !== null,
    };
  }

  private async read(
    filter: ItemFilter | null,
    order: ItemOrder | null,
    position: string | null,
    limit: number,
  ): Promise<ItemRow[]> {
    if (order === null) {
      const afterId = position === null ? null : readId(position);
      await this.filters.check(filter);
      return await this.catalog.items.page({ filter, afterId, limit });
    }
    const after = position === null ? null : readPosition(position, order);
    await this.filters.check(filter);
    return await this.catalog.items.ordered({ filter, order, after, limit });
  }

  /** Deletes items, and images that no other item uses. An unknown id gives an error and does not stop the others. */
  async delete(
    ids: readonly string[],
  ): Promise<{ deletedIds: readonly string[]; errors: readonly Failure[] }> {
    const { deletedIds, contentHashes } = await this.catalog.items.delete(ids.filter(isUuid));
    try {
      await this.catalog.media.removeUnreferenced(contentHashes, (hash) => this.media.remove(hash));
    } catch (error) {
      // The items are deleted. During an outage their pictures stay, until a sweep removes them.
      if (!(error instanceof CommonspaceError) || !passes(error)) throw error;
    }
    const gone = new Set(deletedIds);
    const errors = ids.flatMap((id, i) => (gone.has(id) ? [] : [notDeleted(id, ['ids', String(i)])]));
    return { deletedIds, errors };
  }
}

function notDeleted(id: string, field: FieldPath): Failure {
  if (!isStorable(id)) {
    return { code: 'BAD_INPUT', message: 'This is not the id of an item.', field };
  }
  return { code: 'ITEM_NOT_FOUND', message: `No item has the id ${JSON.stringify(id)}.`, field };
}

function readId(position: string): string {
  if (!isUuid(position)) throw badCursor();
  return position;
}
