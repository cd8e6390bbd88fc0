import { z } from 'zod';
import type { Caller } from '../../domain/access.js';
import type { Database } from '../postgres/database.js';

/** A write by the HTTP API. */
export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  /** Name of the key, `environment` for a key of the environment, `local` without keys. */
  readonly caller: string;
  readonly keyId: string | null;
  /** Name of the mutation, or `upload`. */
  readonly action: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const entry = z.object({
  id: z.string(),
  at: z.date(),
  caller: z.string(),
  keyId: z.string().nullable(),
  action: z.string(),
  detail: z.record(z.string(), z.unknown()),
});

/** Of each text in the detail of an entry. */
const MOST_CHARACTERS = 200;

export class AuditLog {
  constructor(private readonly db: Database) {}

  async add(caller: Caller, action: string, detail: AuditEntry['detail']): Promise<void> {
    await this.db.run(
      'INSERT INTO audit_entry (caller, key_id, action, detail) VALUES ($1, $2::uuid, $3, $4::jsonb)',
      [caller.name, caller.keyId, action, JSON.stringify(detail, storable)],
    );
  }

  /**
   * The newest entries first.
   *
   * @param before id of the last entry of the page before; null for the first page
   */
  async page(before: string | null, limit: number): Promise<AuditEntry[]> {
    const rows = await this.db.run(
      `SELECT id::text, at, caller, key_id AS "keyId", action, detail FROM audit_entry
       WHERE $1::bigint IS NULL OR id < $1::bigint ORDER BY audit_entry.id DESC LIMIT $2`,
      [before, limit],
    );
    return z.array(entry).parse(rows);
  }

  /** @returns how many entries of an earlier time were removed */
  async removeBefore(time: Date): Promise<number> {
    return (await this.db.run('DELETE FROM audit_entry WHERE at < $1 RETURNING id', [time.toISOString()]))
      .length;
  }
}

/** A caller's text: cut, and without the characters that jsonb refuses, because also a refused write is noted. */
function storable(_key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return value.slice(0, MOST_CHARACTERS).replaceAll('\0', '\uFFFD').toWellFormed();
}
