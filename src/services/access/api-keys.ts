import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import type { ApiKeyRow, ApiKeyTable } from '../../catalog/repositories/api-keys.js';
import { type Caller, type KeyLimits, LOCAL, SCOPES, type Scope } from '../../domain/access.js';
import { checkLabel, checkPageSize, checkStorable } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import { observe } from '../../domain/observations.js';

/** A revoked key is refused after at most this time by servers that have seen it. */
const KNOWN_FOR_MS = 5_000;
/** Secrets that are remembered, valid ones and others. */
const MOST_KNOWN = 1_000;
const NAME_CHARACTERS = 100;
/** What a secret begins with, so that people and scanners recognise it. */
const PREFIX = 'cs_';

export interface NewKey {
  readonly row: ApiKeyRow;
  /** Shown once: it is not stored. */
  readonly secret: string;
}

/** What a new key is for. */
export interface KeyRequest {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: never. */
  readonly expiresAt: Date | null;
  readonly perMinute: KeyLimits;
}

/** A page of keys. */
export interface ApiKeyPage {
  readonly edges: readonly { readonly cursor: string; readonly node: ApiKeyRow }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly count: () => Promise<number>;
}

/** The keys of the HTTP API that are in the database. */
export class ApiKeys {
  private readonly known = new LRUCache<string, { readonly caller: Caller | null }>({ max: MOST_KNOWN });
  private usable: { readonly any: boolean; readonly until: number } | null = null;

  constructor(
    private readonly table: ApiKeyTable,
    private readonly knownForMs = KNOWN_FOR_MS,
  ) {}

  /** @throws CommonspaceError BAD_INPUT */
  async create(
    name: string,
    scopes: readonly Scope[],
    expiresAt: Date | null,
    perMinute: KeyLimits = NO_LIMITS,
  ): Promise<NewKey> {
    checkLabel(name, NAME_CHARACTERS, ['name']);
    if (scopes.length === 0)
      throw new CommonspaceError('BAD_INPUT', `A key needs a scope: ${SCOPES.join(', ')}.`, ['scopes']);
    if (expiresAt !== null && expiresAt.getTime() <= Date.now())
      throw new CommonspaceError('BAD_INPUT', 'The time at which the key expires is in the past.', [
        'expiresAt',
      ]);
    checkLimit(perMinute.cost, 'costPerMinute');
    checkLimit(perMinute.bytes, 'bytesPerMinute');
    const secret = `${PREFIX}${randomBytes(32).toString('base64url')}`;
    const key = { id: uuidv7(), name: name.trim(), scopes: [...new Set(scopes)], expiresAt, perMinute };
    const row = await this.table.create(key, digest(secret));
    this.usable = null;
    return { row, secret };
  }

  /**
   * Creates a key for a caller of the API. The first key may do everything: with any other, no caller could create a second one.
   *
   * @throws CommonspaceError BAD_INPUT
   */
  async createFor(caller: Caller, { name, scopes, expiresAt, perMinute }: KeyRequest): Promise<NewKey> {
    checkLabel(name, NAME_CHARACTERS, ['name']);
    if (caller === LOCAL && !scopes.includes('admin'))
      throw new CommonspaceError('BAD_INPUT', 'The first key of a server needs the scope admin.', ['scopes']);
    return await this.create(name, scopes, expiresAt, perMinute);
  }

  list(): Promise<ApiKeyRow[]> {
    return this.table.list();
  }

  /**
   * The newest first.
   *
   * @param usable only keys that can be used, or only those that cannot; null: all
   * @throws CommonspaceError BAD_INPUT, BAD_CURSOR
   */
  async page(usable: boolean | null, first: number, after: string | null): Promise<ApiKeyPage> {
    checkPageSize(first, LIMITS.keyPageSize);
    const print = fingerprint({ keys: usable });
    const position = after === null ? null : decodeCursor(after, print);
    if (position !== null && !isUuid(position)) throw badCursor();
    const rows = await this.table.page(usable, position, first + 1);
    return {
      edges: rows.slice(0, first).map((node) => ({ node, cursor: encodeCursor(print, node.id) })),
      hasNextPage: rows.length > first,
      hasPreviousPage: position !== null,
      count: () => this.table.count(usable),
    };
  }

  /**
   * @param key id of a key, or a name that one key has alone
   * @throws CommonspaceError KEY_NOT_FOUND, or BAD_INPUT if several keys have the name
   */
  async revoke(key: string): Promise<ApiKeyRow> {
    const usable = (await this.table.list()).filter(({ revokedAt }) => revokedAt === null);
    const found = usable.filter(({ id, name }) => (isUuid(key) ? id === key.toLowerCase() : name === key));
    const [row] = found;
    if (found.length > 1) {
      const ids = found.map(({ id }) => id).join(', ');
      throw new CommonspaceError('BAD_INPUT', `${found.length} keys have the name "${key}": ${ids}.`, [
        'key',
      ]);
    }
    const revoked = row === undefined ? null : await this.revokeRow(row.id);
    if (revoked === null)
      throw new CommonspaceError('KEY_NOT_FOUND', 'No key that is not revoked has this id or name.', ['key']);
    return revoked;
  }

  /** @throws CommonspaceError KEY_NOT_FOUND, BAD_INPUT for a string that no id can be */
  async revokeById(id: string): Promise<ApiKeyRow> {
    checkStorable(id, ['id']);
    const revoked = isUuid(id) ? await this.revokeRow(id) : null;
    if (revoked === null)
      throw new CommonspaceError('KEY_NOT_FOUND', 'No key that is not revoked has this id.', ['id']);
    return revoked;
  }

  private async revokeRow(id: string): Promise<ApiKeyRow | null> {
    const row = await this.table.revoke(id);
    if (row !== null) {
      this.known.clear();
      this.usable = null;
    }
    return row;
  }

  /**
   * Whether there is a key, so that requests need one. While the database does not answer, what was known last: requests that need the
   * database fail then, and others, such as those for metrics, are answered.
   */
  async exist(): Promise<boolean> {
    const { usable } = this;
    if (usable !== null && usable.until >= Date.now()) return usable.any;
    const any = await this.table.anyUsable().catch((error: unknown) => {
      if (usable === null) throw error;
      return usable.any;
    });
    this.usable = { any, until: Date.now() + this.knownForMs };
    return any;
  }

  /** Who shows this secret; null for an unknown, revoked or expired one. */
  async callerOf(secret: string): Promise<Caller | null> {
    if (!secret.startsWith(PREFIX)) return null;
    const hash = digest(secret);
    return await this.remembered(hash, () => this.table.use(hash));
  }

  /** Who has the key with this id; null for an unknown, revoked or expired one. */
  async callerById(id: string): Promise<Caller | null> {
    return isUuid(id) ? await this.remembered(id, () => this.table.byId(id)) : null;
  }

  private async remembered(name: string, find: () => Promise<ApiKeyRow | null>): Promise<Caller | null> {
    const known = this.known.get(name);
    observe({ kind: 'cache', cache: 'keys', hit: known !== undefined });
    if (known !== undefined) return known.caller;
    const row = await find();
    const caller = row && { keyId: row.id, name: row.name, scopes: row.scopes, perMinute: row.perMinute };
    const left = row?.expiresAt == null ? this.knownForMs : row.expiresAt.getTime() - Date.now();
    this.known.set(name, { caller }, { ttl: Math.max(1, Math.min(this.knownForMs, left)) });
    return caller;
  }
}

const NO_LIMITS: KeyLimits = { cost: null, bytes: null };

function checkLimit(value: number | null, field: string): void {
  if (value === null || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new CommonspaceError('BAD_INPUT', `${field} must be a whole number of 0 or more.`, [field]);
}

/** Hex. Secrets are long and random, so a plain hash cannot be reversed. */
function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
