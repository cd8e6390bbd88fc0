import type { ItemUpdate } from '../../catalog/repositories/item-updates.js';
import type { ExistingItem } from '../../catalog/types.js';
import { fingerprint } from '../../domain/cursor.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import type { ItemChangeInput } from './item-change-input.js';
import { languageOf } from './item-identity.js';

/**
 * The values of an item after a change; null if the change has no effect.
 *
 * @throws CommonspaceError BAD_INPUT for too many classes
 */
export function mergeUpdate(
  item: ExistingItem,
  change: ItemChangeInput,
  field: FieldPath,
): ItemUpdate | null {
  const { row, version, classNames, pairKey: former } = item;
  const title = change.title === undefined ? row.title : change.title || null;
  const metadata = change.metadata === undefined ? row.metadata : (change.metadata ?? {});
  const pairKey = change.pairKey === undefined ? former : change.pairKey;
  const classes = classesAfter(item, change, field);
  const addedClasses = [...classes].filter((name) => !classNames.includes(name));
  const removedClasses = classNames.filter((name) => !classes.has(name));
  if (
    title === row.title &&
    pairKey === former &&
    fingerprint(metadata) === fingerprint(row.metadata) &&
    addedClasses.length + removedClasses.length === 0
  ) {
    return null;
  }
  const isText = row.modality === 'TEXT';
  const language = isText ? languageOf(metadata) : null;
  const tag = language ?? metadata.language;
  const words = { title, text: isText ? row.text : null, language: typeof tag === 'string' ? tag : null };
  return { id: row.id, version, title, metadata, language, pairKey, words, addedClasses, removedClasses };
}

function classesAfter(
  { classNames }: ExistingItem,
  { classes, addClasses, removeClasses }: ItemChangeInput,
  field: FieldPath,
): ReadonlySet<string> {
  const trimmed = (names: readonly string[] | null | undefined) => names?.map((name) => name.trim()) ?? [];
  if (classes !== undefined) return new Set(trimmed(classes));
  const removed = new Set(trimmed(removeClasses));
  const after = new Set([...classNames, ...trimmed(addClasses)].filter((name) => !removed.has(name)));
  if (after.size > LIMITS.classesPerItem && (addClasses?.length ?? 0) > 0) {
    const message = `An item may have ${LIMITS.classesPerItem} classes at most.`;
    throw new CommonspaceError('BAD_INPUT', message, [...field, 'addClasses']);
  }
  return after;
}
