import type { JsonObject } from '../../catalog/types.js';
import { checkStorable } from '../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { checkDescription } from './ingest-input.js';

/** A change of a stored item, named by its id or its external id. Fields left out stay as they are; null clears. */
export interface ItemChangeInput {
  readonly id?: string | null | undefined;
  readonly externalId?: string | null | undefined;
  readonly title?: string | null | undefined;
  /** Replaces all classes. */
  readonly classes?: readonly string[] | null | undefined;
  readonly addClasses?: readonly string[] | null | undefined;
  readonly removeClasses?: readonly string[] | null | undefined;
  readonly pairKey?: string | null | undefined;
  /** Replaces the whole object. */
  readonly metadata?: JsonObject | null | undefined;
}

/** @throws CommonspaceError BAD_INPUT naming the malformed field below `field` */
export function checkItemChange(change: ItemChangeInput, field: FieldPath): void {
  const { id, externalId, classes, addClasses, removeClasses } = change;
  if (id != null) checkStorable(id, [...field, 'id']);
  if (classes !== undefined && (addClasses != null || removeClasses != null)) {
    const message = 'Give either all classes, or those to add and to remove.';
    throw new CommonspaceError('BAD_INPUT', message, [...field, 'classes']);
  }
  checkDescription(change, field);
  checkDescription({ classes: addClasses }, field, 'addClasses');
  checkDescription({ classes: removeClasses }, field, 'removeClasses');
  const removed = new Set(removeClasses?.map((name) => name.trim()));
  const both = addClasses?.findIndex((name) => removed.has(name.trim())) ?? -1;
  if (both >= 0) {
    const message = 'A class is either added or removed.';
    throw new CommonspaceError('BAD_INPUT', message, [...field, 'addClasses', String(both)]);
  }
  if ((id == null) === (externalId == null)) {
    throw new CommonspaceError('BAD_INPUT', 'Give exactly one of id and externalId.', field);
  }
}
