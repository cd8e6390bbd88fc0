/** Who may do what. */
import { CommonspaceError } from './errors.js';

/**
 * What a key may do: `read` searches and reads, `ingest` writes items and classes, `train` works on encoders and evaluations, `admin` does
 * everything. Each of `ingest` and `train` includes `read`.
 */
export const SCOPES = ['read', 'ingest', 'train', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Who sends a request. */
export interface Caller {
  /** Of a key in the database; null for keys of the environment, for loopback without keys, and for the command line. */
  readonly keyId: string | null;
  /** For the log. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Limits of the key itself; where they are null or absent, those of the configuration hold. */
  readonly perMinute?: Partial<KeyLimits>;
}

/** What a caller may use in a minute; 0: without a limit. */
export interface PerMinute {
  /** Units of the cost of operations. */
  readonly cost: number;
  /** Bytes of uploads, of large requests, and of files at addresses. */
  readonly bytes: number;
}

/** The limits that a key has of its own; null: that of the configuration. */
export type KeyLimits = { readonly [K in keyof PerMinute]: number | null };

/** A caller on a loopback address without keys. */
export const LOCAL: Caller = { keyId: null, name: 'local', scopes: ['admin'] };

function may({ scopes }: Caller, wanted: Scope): boolean {
  return scopes.includes(wanted) || scopes.includes('admin') || (wanted === 'read' && scopes.length > 0);
}

/** @throws CommonspaceError FORBIDDEN */
export function requireScope(caller: Caller, wanted: Scope): void {
  if (may(caller, wanted)) return;
  throw new CommonspaceError(
    'FORBIDDEN',
    `This needs a key with the scope ${wanted}; the key "${caller.name}" has ${caller.scopes.join(', ')}.`,
    ['authorization'],
  );
}
