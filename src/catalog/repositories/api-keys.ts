import { z } from 'zod';
import { type KeyLimits, SCOPES, type Scope } from '../../domain/access.js';
import type { Database } from '../postgres/database.js';

/** A key without its secret. */
export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** Null: never. */
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** Of the latest request, accurate to a few minutes; null if there was none. */
  readonly usedAt: Date | null;
  readonly perMinute: KeyLimits;
}

const limit = z.number().nullable();
const row = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdAt: z.date(),
  expiresAt: z.date().nullable(),
  revokedAt: z.date().nullable(),
  usedAt: z.date().nullable(),
  perMinute: z.object({ cost: limit, bytes: limit }),
});

const COLUMNS = `id, name, scopes, created_at AS "createdAt", expires_at AS "expiresAt", revoked_at AS "revokedAt",
  used_at AS "usedAt", json_build_object('cost', cost_per_minute, 'bytes', bytes_per_minute) AS "perMinute"`;
const USABLE = 'revoked_at IS NULL AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)';

/** `used_at` is written at most this often. */
const USED_EVERY = "interval '5 minutes'";

/** Keys of the HTTP API. Secrets are stored as their hash. */
export class ApiKeyTable {
  constructor(private readonly db: Database) {}

  /** @param hash hex sha256 of the secret */
  async create(
    key: Pick<ApiKeyRow, 'id' | 'name' | 'scopes' | 'expiresAt' | 'perMinute'>,
    hash: string,
  ): Promise<ApiKeyRow> {
    const rows = await this.db.run(
      `INSERT INTO api_key (id, name, hash, scopes, expires_at, cost_per_minute, bytes_per_minute)
       VALUES ($1::uuid, $2, $3, $4::text[], $5, $6, $7)
       RETURNING ${COLUMNS}`,
      [
        key.id,
        key.name,
        hash,
        key.scopes,
        key.expiresAt?.toISOString() ?? null,
        key.perMinute.cost,
        key.perMinute.bytes,
      ],
    );
    return row.parse(rows[0]);
  }

  /** All keys, the newest first. */
  async list(): Promise<ApiKeyRow[]> {
    return z
      .array(row)
      .parse(await this.db.run(`SELECT ${COLUMNS} FROM api_key ORDER BY created_at DESC, id DESC`));
  }

  /** Those after the key with an id, the newest first: ids grow with time. */
  async page(usable: boolean | null, after: string | null, limit: number): Promise<ApiKeyRow[]> {
    const rows = await this.db.run(
      `SELECT ${COLUMNS} FROM api_key
       WHERE ($1::boolean IS NULL OR (${USABLE}) = $1) AND ($2::uuid IS NULL OR id < $2)
       ORDER BY id DESC LIMIT $3`,
      [usable, after, limit],
    );
    return z.array(row).parse(rows);
  }

  async count(usable: boolean | null): Promise<number> {
    const [found] = await this.db.run<{ count: number }>(
      `SELECT count(*)::int AS count FROM api_key WHERE $1::boolean IS NULL OR (${USABLE}) = $1`,
      [usable],
    );
    return found?.count ?? 0;
  }

  /** Whether there is a key that is neither revoked nor expired. */
  async anyUsable(): Promise<boolean> {
    const [found] = await this.db.run<{ any: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM api_key WHERE ${USABLE}) AS any`,
    );
    return found?.any ?? false;
  }

  /** The key with this hash that is neither revoked nor expired; null if there is none. Notes that it was used. */
  async use(hash: string): Promise<ApiKeyRow | null> {
    const [found] = await this.db.run(`SELECT ${COLUMNS} FROM api_key WHERE hash = $1 AND ${USABLE}`, [hash]);
    if (found === undefined) return null;
    await this.db.run(
      `UPDATE api_key SET used_at = CURRENT_TIMESTAMP
       WHERE hash = $1 AND (used_at IS NULL OR used_at < CURRENT_TIMESTAMP - ${USED_EVERY})`,
      [hash],
    );
    return row.parse(found);
  }

  /** The key with this id that is neither revoked nor expired; null if there is none. */
  async byId(id: string): Promise<ApiKeyRow | null> {
    const [found] = await this.db.run(`SELECT ${COLUMNS} FROM api_key WHERE id = $1::uuid AND ${USABLE}`, [
      id,
    ]);
    return found === undefined ? null : row.parse(found);
  }

  /** @returns the key as it is then; null if none that is not revoked has the id */
  async revoke(id: string): Promise<ApiKeyRow | null> {
    const [found] = await this.db.run(
      `UPDATE api_key SET revoked_at = CURRENT_TIMESTAMP
       WHERE id = $1::uuid AND revoked_at IS NULL RETURNING ${COLUMNS}`,
      [id],
    );
    return found === undefined ? null : row.parse(found);
  }
}
