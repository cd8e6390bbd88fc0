import { failureOf } from '../../../src/client/api-error.js';
import {
  CreateKeyDocument,
  type CreateKeyMutationVariables,
  type KeyRowFragment,
  RevokeKeyDocument,
} from '../__generated__/operations.js';
import { client, queries, SESSION } from '../api/client.js';
import { logIn } from '../api/session.js';
import { showKey } from './shown-key.js';

export const KEYS = ['keys'] as const;
/** The page has megabytes where the API has bytes. */
export const MEGABYTE = 1_000_000;
export type KeyRow = KeyRowFragment;

/**
 * Makes a key and shows it.
 *
 * @param first whether the server had no keys, so that from now on this page needs one too
 */
export async function createKey(variables: CreateKeyMutationVariables, first: boolean): Promise<void> {
  const { createKey: made } = await client.execute(CreateKeyDocument, variables);
  if (made.key === null || made.secret === null) throw failureOf(made.errors);
  try {
    if (first) await logIn(made.secret);
  } finally {
    showKey({ name: made.key.name, secret: made.secret });
    void queries.invalidateQueries({ queryKey: KEYS });
  }
}

/** Revokes a key. With the key of this session, the session ends. */
export async function revokeKey({ id, current }: KeyRow): Promise<void> {
  const { revokeKey: revoked } = await client.execute(RevokeKeyDocument, { id });
  if (revoked.key === null) throw failureOf(revoked.errors);
  await queries.invalidateQueries({ queryKey: current ? SESSION : KEYS });
}
