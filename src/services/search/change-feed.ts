import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { ChangePosition, ItemChangeRow } from '../../catalog/repositories/item-changes.js';
import { checkPageSize } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';

/** Time between two reads for a subscriber that has read all changes. */
const POLL_MS = 1_000;
/** Of Postgres's `xid8` and `bigint`. */
const MAX_TX = 2n ** 64n - 1n;
const MAX_ID = 2n ** 63n - 1n;

const PRINT = fingerprint('itemChanges');

export interface ItemChange extends Omit<ItemChangeRow, 'position'> {
  readonly cursor: string;
}

/** Changes of items, oldest first. */
export interface ChangePage {
  readonly changes: readonly ItemChange[];
  /** The cursor to go on from, also after an empty page. */
  readonly position: string;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Changes of items for other systems, which follow the catalogue by cursors. */
export class ChangeFeed {
  constructor(private readonly catalog: Pick<Catalog, 'itemChanges'>) {}

  /**
   * The changes after a cursor. Without one, an empty page that ends at the latest change.
   *
   * @throws CommonspaceError BAD_CURSOR, CURSOR_EXPIRED, BAD_INPUT
   */
  async page(first: number, after: string | null): Promise<ChangePage> {
    checkPageSize(first, LIMITS.changePageSize);
    if (after === null) {
      const position = encode(await this.catalog.itemChanges.latest());
      return { changes: [], position, hasNextPage: false, hasPreviousPage: false };
    }
    const found = await this.catalog.itemChanges.after(decode(after), first + 1);
    if (found.kind === 'swept') throw expired();
    if (found.kind === 'unknown') throw ofAnotherCatalogue();
    const changes = found.changes
      .slice(0, first)
      .map(({ position, ...change }) => ({ ...change, cursor: encode(position) }));
    return {
      changes,
      position: changes.at(-1)?.cursor ?? after,
      hasNextPage: found.changes.length > first,
      hasPreviousPage: true,
    };
  }

  /**
   * The page after a cursor, which can be empty, then further pages as changes are made. Any server may make them, so it polls. It
   * ends when the signal is aborted.
   *
   * @throws CommonspaceError BAD_CURSOR, CURSOR_EXPIRED, BAD_INPUT
   */
  async follow(
    first: number,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<ChangePage>> {
    // An invalid cursor is an error of the operation, before the first event.
    return this.pagesFrom(await this.page(first, after), first, signal);
  }

  private async *pagesFrom(
    start: ChangePage,
    first: number,
    signal: AbortSignal,
  ): AsyncGenerator<ChangePage> {
    yield start;
    for (let page = start; !signal.aborted; ) {
      if (!page.hasNextPage) await setTimeout(POLL_MS, null, { signal }).catch(() => {});
      if (signal.aborted) return;
      page = await this.page(first, page.position);
      if (page.changes.length > 0) yield page;
    }
  }
}

function encode({ tx, id, check }: ChangePosition): string {
  return encodeCursor(PRINT, `${tx}.${id}.${check}`);
}

/** @throws CommonspaceError BAD_CURSOR */
function decode(cursor: string): ChangePosition {
  const parts = /^(\d{1,20})\.(\d{1,19})\.([\w-]{11})$/.exec(decodeCursor(cursor, PRINT));
  const [, tx = '', id = '', check = ''] = parts ?? [];
  if (parts === null || BigInt(tx) > MAX_TX || BigInt(id) > MAX_ID) throw badCursor();
  return { tx, id, check };
}

const READ_AGAIN = 'Read all items again, and then the changes from now on.';

function expired(): CommonspaceError {
  const message = `The changes after this cursor are no longer kept. ${READ_AGAIN}`;
  return new CommonspaceError('CURSOR_EXPIRED', message, ['after']);
}

function ofAnotherCatalogue(): CommonspaceError {
  const message = `This cursor belongs to another catalogue, or to this one before it was restored from a backup. ${READ_AGAIN}`;
  return new CommonspaceError('BAD_CURSOR', message, ['after']);
}
