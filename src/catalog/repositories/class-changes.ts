import {
  type ClassChange,
  encoderConfigAfter,
  encoderRequestAfter,
  type NamedClass,
} from '../../domain/class-changes.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { ClassRow } from '../types.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import { noteClassItems } from './item-changes.js';

/**
 * Changes of classes with what refers to them: labels of items, features of names, and records of encoders. Each is one
 * transaction that locks the classes by name first, so that writers of items wait.
 */

/** Renames a class or changes its description; the features of its former text go. @throws CommonspaceError */
export async function renameClass(
  db: Database,
  id: string,
  after: { readonly name: string; readonly description: string | null },
): Promise<ClassRow> {
  const inTransaction = async (tx: Queryable) => {
    const [former] = await lockClasses(tx, [id], ['id']);
    const renamed = { id, name: after.name };
    if (former !== undefined && former.name !== after.name) {
      await updateEncoders(tx, { from: [former], into: renamed });
      await noteClassItems(tx, [id]);
    }
    const [row] = await tx.run<ClassRow>(
      'UPDATE class SET name = $2, description = $3 WHERE id = $1 RETURNING id, name, description',
      [id, after.name, after.description],
    );
    await tx.run('DELETE FROM class_feature WHERE class_id = $1', [id]);
    if (row === undefined) throw new Error(`class ${id} was not written`);
    return row;
  };
  try {
    return await db.transaction(inTransaction, { repeat: true, items: true });
  } catch (error) {
    if ((error as { code?: string }).code !== '23505') throw error;
    const message = `A class named "${after.name}" exists already. Classes can be merged.`;
    throw new CommonspaceError('CLASS_EXISTS', message, ['newName'], { cause: error });
  }
}

/** Gives the items of some classes the label of another one, and deletes the former classes. @throws CommonspaceError */
export async function mergeClasses(db: Database, from: readonly string[], into: string): Promise<void> {
  const inTransaction = async (tx: Queryable) => {
    const locked = await lockClasses(tx, [...from, into], ['from']);
    const kept = locked.find(({ id }) => id === into) ?? null;
    await updateEncoders(tx, { from: locked.filter(({ id }) => id !== into), into: kept });
    await noteClassItems(tx, from);
    await tx.run(
      `INSERT INTO item_class (item_id, class_id, home)
       SELECT DISTINCT item_id, $2::uuid, home FROM item_class WHERE class_id = ANY($1::uuid[]) ON CONFLICT DO NOTHING`,
      [encodeUuidArray(from), into],
    );
    await tx.run('DELETE FROM class WHERE id = ANY($1::uuid[])', [encodeUuidArray(from)]);
  };
  await db.transaction(inTransaction, { repeat: true, items: true });
}

/** Deletes a class. Its items stay, without the label. @throws CommonspaceError */
export async function deleteClass(db: Database, id: string): Promise<void> {
  const inTransaction = async (tx: Queryable) => {
    await updateEncoders(tx, { from: await lockClasses(tx, [id], ['id']), into: null });
    await noteClassItems(tx, [id]);
    await tx.run('DELETE FROM class WHERE id = $1', [id]);
  };
  await db.transaction(inTransaction, { repeat: true, items: true });
}

/** @throws CommonspaceError UNKNOWN_CLASS if one was deleted meanwhile */
async function lockClasses(tx: Queryable, ids: readonly string[], field: FieldPath): Promise<NamedClass[]> {
  const rows = await tx.run<{ id: string; name: string }>(
    'SELECT id, name FROM class WHERE id = ANY($1::uuid[]) ORDER BY name FOR UPDATE',
    [encodeUuidArray(ids)],
  );
  if (rows.length === new Set(ids).size) return rows;
  throw new CommonspaceError('UNKNOWN_CLASS', 'The class was deleted meanwhile.', field);
}

/**
 * Records of encoders name classes that a training left out or chose pairs by. A training under way has read its request, and
 * stores it at its end, so its classes cannot change meanwhile.
 *
 * @throws CommonspaceError CLASS_IN_USE
 */
async function updateEncoders(tx: Queryable, change: ClassChange): Promise<void> {
  const rows = await tx.run<{ id: string; state: string; config: JsonObject; request: JsonObject }>(
    'SELECT id, state, config, request FROM encoder ORDER BY id FOR NO KEY UPDATE',
  );
  for (const { id, state, config, request } of rows) {
    const after = {
      config: JSON.stringify(encoderConfigAfter(config, change)),
      request: JSON.stringify(encoderRequestAfter(request, change)),
    };
    const asked = after.request !== JSON.stringify(request);
    if (!asked && after.config === JSON.stringify(config)) continue;
    if (asked && (state === 'queued' || state === 'training')) {
      throw new CommonspaceError(
        'CLASS_IN_USE',
        `The training ${id} names this class. Wait until it has ended, or cancel it.`,
      );
    }
    await tx.run('UPDATE encoder SET config = $2::jsonb, request = $3::jsonb WHERE id = $1', [
      id,
      after.config,
      after.request,
    ]);
  }
}
