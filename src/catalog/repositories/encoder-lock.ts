import type { Queryable } from '../postgres/database.js';

/** Number of the advisory lock on which encoders want embeddings of what is written. */
const ENCODER_LOCK = 0x636f6d70;

/**
 * Encoders whose embeddings are kept complete: the active one, those that wait to become it, and the one before it. Of
 * older ones only what they lack is worked out when they are to be active again.
 */
export const LIVE_ENCODERS = `(state IN ('embedding', 'ready', 'active') OR id = (
  SELECT id FROM encoder WHERE state = 'retired' ORDER BY retired_at DESC, activated_at DESC, id DESC LIMIT 1))`;

/** Until the transaction ends, no encoder begins or ceases to want embeddings. Writers of items take it. */
export async function shareEncoders(tx: Queryable): Promise<void> {
  await tx.run('SELECT pg_advisory_xact_lock_shared($1)', [ENCODER_LOCK]);
}

/** Waits for the writers under way and keeps new ones waiting until the transaction ends. */
export async function lockEncoders(tx: Queryable): Promise<void> {
  await tx.run('SELECT pg_advisory_xact_lock($1)', [ENCODER_LOCK]);
}
