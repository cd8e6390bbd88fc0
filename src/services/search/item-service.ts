import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow, ItemRow } from '../../catalog/types.js';
import { checkPageSize, checkStorable } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import type { Failure } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import type { MediaStore } from '../../media/media-store.js';
import type { FilterCheck } from './filter-check.js';

export interface ItemPage {
  readonly items: readonly { readonly item: ItemRow; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly totalCount: number;
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

  counterparts(ids: readonly string[]): Promise<ReadonlyMap<string, readonly ItemRow[]>> {
    return this.catalog.items.counterparts(ids);
  }

  countByModality(): Promise<Readonly<Record<Modality, number>>> {
    return this.catalog.items.countByModality();
  }

  count(filter: ItemFilter | null): Promise<number> {
    return this.catalog.items.count(filter);
  }

  /** Items in the order in which they were stored, which is that of their ids. */
  async page(filter: ItemFilter | null, first: number, after: string | null): Promise<ItemPage> {
    checkPageSize(first, LIMITS.itemPageSize);
    const print = fingerprint({ items: filter });
    const afterId = after === null ? null : readId(decodeCursor(after, print));
    await this.filters.check(filter);
    const [rows, totalCount] = await Promise.all([
      this.catalog.items.page({ filter, afterId, limit: first + 1 }),
      this.catalog.items.count(filter),
    ]);
    return {
      items: rows.slice(0, first).map((item) => ({ item, cursor: encodeCursor(print, item.id) })),
      hasNextPage: rows.length > first,
      hasPreviousPage: afterId !== null,
      totalCount,
    };
  }

  /** Deletes items, and images that no other item uses. An unknown id gives an error and does not stop the others. */
  async delete(
    ids: readonly string[],
  ): Promise<{ deletedIds: readonly string[]; errors: readonly Failure[] }> {
    const { deletedIds, contentHashes } = await this.catalog.items.delete(ids.filter(isUuid));
    await this.catalog.media.removeUnreferenced(contentHashes, (hash) => this.media.remove(hash));
    const gone = new Set(deletedIds);
    const errors = ids.flatMap((id, i): Failure[] =>
      gone.has(id)
        ? []
        : [
            {
              code: 'ITEM_NOT_FOUND',
              message: `No item has the id ${JSON.stringify(id)}.`,
              field: ['ids', String(i)],
            },
          ],
    );
    return { deletedIds, errors };
  }
}

function readId(position: string): string {
  if (!isUuid(position)) throw badCursor();
  return position;
}
