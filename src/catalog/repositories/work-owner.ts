import type { Database } from '../postgres/database.js';
import { ownIdentity, processIdentity, stateOf } from '../postgres/process-identity.js';

/** A claim without a heartbeat for this time has expired, even if its process still runs. */
const LOST_AFTER_SECONDS = 60;

let self: string | null = null;

/** The identity of this process as the owner of a claim, in JSON. */
export function owner(): string {
  self ??= JSON.stringify(ownIdentity());
  return self;
}

/**
 * Whether a claim that this process did not make has expired, or its process is gone.
 *
 * @param by the stored owner
 * @param silentSeconds since the last heartbeat, by the database's clock
 */
export function isLost(db: Pick<Database, 'kind'>, by: unknown, silentSeconds: number): boolean {
  // One process at a time uses a data folder, so the owner was an earlier process.
  if (db.kind === 'embedded' || silentSeconds > LOST_AFTER_SECONDS) return true;
  const identity = processIdentity.safeParse(by);
  return identity.success && stateOf(identity.data) === 'ended';
}
