import type { KeyScope } from '../__generated__/resolver-types.js';
import { SCOPES, type Scope } from '../domain/access.js';

const NAMES = {
  read: 'READ',
  ingest: 'INGEST',
  train: 'TRAIN',
  admin: 'ADMIN',
} as const satisfies Record<Scope, KeyScope>;

export function keyScopeName(scope: Scope): KeyScope {
  return NAMES[scope];
}

export function readKeyScopes(names: readonly KeyScope[]): Scope[] {
  return SCOPES.filter((scope) => names.includes(NAMES[scope]));
}
