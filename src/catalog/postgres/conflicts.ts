import { setTimeout } from 'node:timers/promises';
import { CommonspaceError } from '../../domain/errors.js';

/**
 * The order in which transactions take locks. One that needs several takes them in this order, so that no two wait for each
 * other, on one server or on several:
 *
 * 1. the advisory lock on the set of live encoders: shared by writers of items, exclusive for a change of the set
 * 2. rows of `media`, by hash
 * 3. rows of `pair`, by key
 * 4. rows of `class`, by name
 * 5. rows of `item` that exist, by id
 * 6. new rows of `item`, by identity: an insertion waits for another server's insertion of the same external id or content
 * 7. what belongs to items that the transaction has locked: labels, features, embeddings
 *
 * On a distributed database, transactions that write rows of the tables 3 to 7 take turns in place of the locks 3 and 5; see ITEMS_LOCK in database.ts.
 *
 * Tables are locked (to create and drop partitions) in a transaction that locks no rows: see vector-partitions.ts. Words are
 * stored by alphabet, in statements of their own.
 *
 * Foreign keys and unique indexes take locks that no statement names, so a conflict stays possible. The server then ends one
 * of the transactions, which is repeated.
 */
const ATTEMPTS = 6;

/** The longest wait before the second attempt. It doubles with each attempt. */
const FIRST_WAIT_MS = 20;

/** SQLSTATE of a transaction that the server has rolled back because of another one. */
const CONFLICTS: ReadonlySet<unknown> = new Set([
  '40P01', // deadlock_detected
  '40001', // serialization_failure
]);

/**
 * Runs a transaction, or a statement that is one, and repeats it after a conflict with another one, with a random wait in
 * between. Only for work that can be repeated: it changes nothing besides the database, or what it changes is the same again.
 *
 * @throws CommonspaceError BUSY after too many conflicts
 */
export async function repeatConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!CONFLICTS.has((error as { code?: unknown }).code)) throw error;
      if (attempt === ATTEMPTS) {
        const message = 'Other writers change the same items. Try again later.';
        throw new CommonspaceError('BUSY', message, [], { cause: error });
      }
      await setTimeout(Math.random() * FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }
}
