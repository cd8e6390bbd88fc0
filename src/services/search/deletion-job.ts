import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { storedFilter } from '../../domain/stored-filter.js';
import type { MediaStore } from '../../media/media-store.js';
import type { JobKind } from '../jobs/job-kind.js';

/** Items that are deleted together. */
const ITEMS_AT_ONCE = 500;

const parameters = z.object({
  filter: storedFilter,
  /** Items that were stored at this time or later stay. */
  before: z.iso.datetime().transform((text) => new Date(text)),
});
type Parameters = z.output<typeof parameters>;

const position = z.object({
  /** The items to delete next: they were matched, and may be gone already. */
  ids: z.array(z.string()),
  deleted: z.number(),
});

/** The deletion of all items that match a filter, as a job. Its inputs are items. */
export function deletionJob(parts: {
  readonly catalog: Pick<Catalog, 'items' | 'media'>;
  readonly media: Pick<MediaStore, 'remove'>;
}): JobKind<Parameters> {
  const { catalog, media } = parts;
  return {
    name: 'DELETION',
    slot: 'short',
    scope: 'ingest',
    parameters,
    async run({ filter: given, before }, context) {
      const matching: ItemFilter = { and: [given, { createdBefore: before }] };
      let at = context.position === null ? null : position.parse(context.position);
      const nothing = { done: 0, failed: 0, skipped: 0 };
      if (at === null) {
        const total = await catalog.items.count(matching);
        at = { ids: await next(matching, null), deleted: 0 };
        await context.advance({ position: at, total, ...nothing });
      }
      while (at.ids.length > 0) {
        throwIfCancelled(context.signal);
        const { contentHashes } = await catalog.items.delete(at.ids);
        await catalog.media.removeUnreferenced(contentHashes, (hash) => media.remove(hash));
        const done: number = at.ids.length;
        at = { ids: await next(matching, at.ids.at(-1) ?? null), deleted: at.deleted + done };
        // Items that are gone before they are counted count once: their ids were stored before.
        await context.advance({ position: at, ...nothing, done });
      }
      // Items can have been changed since they were counted.
      await context.advance({ position: at, total: at.deleted, ...nothing });
      return `${at.deleted} items deleted.`;
    },
  };

  async function next(matching: ItemFilter, afterId: string | null): Promise<string[]> {
    const rows = await catalog.items.page({ filter: matching, afterId, limit: ITEMS_AT_ONCE });
    return rows.map(({ id }) => id);
  }
}
