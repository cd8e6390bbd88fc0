import type { Catalog } from '../../catalog/catalog.js';
import type { ImageRow } from '../../catalog/types.js';
import { checkPageSize } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import { noEncoder } from '../serving/active-encoder.js';
import { DuplicateGraph, type FoundGroup, type FoundMember, type Similarity } from './duplicate-graph.js';

/** Images that one page compares, at least. */
const SCANNED = { copies: 10_000, similar: 500 } as const;
/** Images compared by one statement. */
const CHUNK = { copies: 1_000, similar: 100 } as const;

const LEAST_THRESHOLD = 0.5;

/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

export interface DuplicateMember extends Omit<FoundMember, 'id'> {
  readonly item: ImageRow;
}

export interface DuplicateGroup extends Omit<FoundGroup, 'members'> {
  readonly members: readonly DuplicateMember[];
}

export interface DuplicatePage {
  readonly groups: readonly { readonly group: DuplicateGroup; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  /** Where the next page begins: after the last group, or after the last image compared. */
  readonly endCursor: string | null;
}

/** Lists groups of near-identical images by the smallest id of their images. */
export class DuplicateService {
  constructor(private readonly catalog: Catalog) {}

  /**
   * @param threshold the similarity from which images are similar; null lists copies only
   * @throws CommonspaceError BAD_INPUT, BAD_CURSOR, NO_ENCODER for a threshold without an active encoder
   */
  async page(
    threshold: number | null,
    first: number,
    after: string | null,
    signal?: AbortSignal,
  ): Promise<DuplicatePage> {
    checkPageSize(first, LIMITS.duplicatePageSize);
    const similarity = await this.similarity(threshold);
    const print = fingerprint({ duplicates: similarity });
    const afterId = after === null ? null : decodeCursor(after, print);
    if (afterId !== null && !isUuid(afterId)) throw badCursor();
    const { found, scannedTo } = await this.scan(similarity, first, afterId ?? NIL, signal);
    const groups = found.slice(0, first);
    const hasNextPage = found.length > first || scannedTo !== null;
    const last = found.length > first || scannedTo === null ? groups.at(-1)?.members[0]?.id : scannedTo;
    return {
      groups: (await this.withItems(groups)).map(({ id, group }) => ({
        group,
        cursor: encodeCursor(print, id),
      })),
      hasNextPage,
      hasPreviousPage: afterId !== null,
      endCursor: last == null ? null : encodeCursor(print, last),
    };
  }

  /**
   * The group of one image; null if there is no other in it.
   *
   * @param threshold as for `page`
   * @throws CommonspaceError BAD_INPUT, NO_ENCODER for a threshold without an active encoder
   */
  async groupOf(imageId: string, threshold: number | null): Promise<DuplicateGroup | null> {
    const graph = new DuplicateGraph(this.catalog, await this.similarity(threshold));
    const hashes = await this.catalog.items.perceptualHashes([imageId]);
    await graph.add([{ id: imageId, picture: hashes.get(imageId) ?? null }]);
    return (await this.withItems(graph.groupWith(imageId)))[0]?.group ?? null;
  }

  private async similarity(threshold: number | null): Promise<Similarity | null> {
    if (threshold === null) return null;
    if (!(threshold >= LEAST_THRESHOLD && threshold <= 1)) {
      throw new CommonspaceError('BAD_INPUT', `threshold must be between ${LEAST_THRESHOLD} and 1.`, [
        'threshold',
      ]);
    }
    const active = await this.catalog.encoders.active();
    if (active === null) throw noEncoder('Similar images are compared in the common space.');
    return { encoderId: active.id, threshold };
  }

  /**
   * Compares images by ascending id, until more than `first` groups are found or the limit is reached. A group counts where
   * its smallest id is, so each is found once, however pages are cut.
   *
   * @returns `scannedTo`, the last image compared; null if it is the last one of the catalogue.
   */
  private async scan(
    similarity: Similarity | null,
    first: number,
    afterId: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly found: readonly FoundGroup[]; readonly scannedTo: string | null }> {
    const work = similarity === null ? 'copies' : 'similar';
    const graph = new DuplicateGraph(this.catalog, similarity);
    const found: FoundGroup[] = [];
    let position = afterId;
    for (let scanned = 0; scanned < SCANNED[work] && found.length <= first; ) {
      throwIfCancelled(signal);
      const images = await this.catalog.hashes.page(position, CHUNK[work]);
      await graph.add(images);
      found.push(...graph.groupsOf(images.map(({ id }) => id)));
      if (images.length < CHUNK[work]) return { found, scannedTo: null };
      position = images.at(-1)?.id ?? position;
      scanned += images.length;
    }
    return { found, scannedTo: position };
  }

  /** Images that were deleted meanwhile are left out, and groups of which fewer than two are left. */
  private async withItems(
    groups: readonly FoundGroup[],
  ): Promise<{ readonly id: string; readonly group: DuplicateGroup }[]> {
    const ids = groups.flatMap(({ members }) => members.map(({ id }) => id));
    const items = new Map((await this.catalog.items.byIds(ids)).map((item) => [item.id, item]));
    return groups.flatMap((group) => {
      const members = group.members.flatMap(({ id, ...member }) => {
        const item = items.get(id);
        return item?.modality === 'IMAGE' ? [{ ...member, item }] : [];
      });
      const id = group.members[0]?.id ?? '';
      return members.length < 2 ? [] : [{ id, group: { ...group, members } }];
    });
  }
}
