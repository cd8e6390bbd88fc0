import type { Database } from '../postgres/database.js';
import { ownIdentity, processIdentity, stateOf } from '../postgres/process-identity.js';

/** A process that is not heard of for so long has lost its work, wherever it is. */
const LOST_AFTER_SECONDS = 60;

let self: string | null = null;

/** This process, as the owner of some work, in JSON. */
export function owner(): string {
  self ??= JSON.stringify(ownIdentity());
  return self;
}

/**
 * Whether work that this very object did not claim has nobody any more to do it.
 *
 * @param by the owner, as it was stored
 * @param silentSeconds since it was last heard of, by the database's clock
 */
export function isLost(db: Pick<Database, 'kind'>, by: unknown, silentSeconds: number): boolean {
  // The data folder has one process at a time: whatever is claimed and not by this one is of one before.
  if (db.kind === 'embedded' || silentSeconds > LOST_AFTER_SECONDS) return true;
  const identity = processIdentity.safeParse(by);
  return identity.success && stateOf(identity.data) === 'ended';
}
