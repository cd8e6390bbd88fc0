import type { Queryable } from '../postgres/database.js';

/** Advisory lock on the set of live encoders. */
const ENCODER_LOCK = 0x636f6d70;

/**
 * Live encoders, for which every new item is embedded: the active one, those that are ready or being embedded, and the
 * latest retired one. Older ones are completed when they are activated again.
 */
export const LIVE_ENCODERS = `(state IN ('embedding', 'ready', 'active') OR id = (
  SELECT id FROM encoder WHERE state = 'retired' ORDER BY retired_at DESC, activated_at DESC, id DESC LIMIT 1))`;

/** Writers of items take this lock: the set of live encoders stays the same until the transaction ends. */
export async function shareEncoders(tx: Queryable): Promise<void> {
  await tx.run('SELECT pg_advisory_xact_lock_shared($1)', [ENCODER_LOCK]);
}

/** Waits for running writers of items, and blocks new ones until the transaction ends. */
export async function lockEncoders(tx: Queryable): Promise<void> {
  await tx.run('SELECT pg_advisory_xact_lock($1)', [ENCODER_LOCK]);
}
