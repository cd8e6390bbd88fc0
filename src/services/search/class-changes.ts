import type { Catalog } from '../../catalog/catalog.js';
import type { ClassRow } from '../../catalog/types.js';
import { checkLabel, checkStorable, checkText } from '../../domain/check.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';

/** A class by exactly one of its id and its name. */
export interface ClassReference {
  readonly id?: string | null | undefined;
  readonly name?: string | null | undefined;
}

/** Renames, merges and deletes classes. */
export class ClassChanges {
  constructor(private readonly parts: { readonly catalog: Catalog; readonly prototypes: ClassPrototypes }) {}

  /**
   * Absent values stay, a description of null is removed.
   *
   * @throws CommonspaceError UNKNOWN_CLASS, CLASS_EXISTS, CLASS_IN_USE, BAD_INPUT or TEXT_TOO_LONG
   */
  async rename(
    reference: ClassReference,
    newName: string | null | undefined,
    description: string | null | undefined,
  ): Promise<ClassRow> {
    if (newName != null) checkLabel(newName, LIMITS.classNameCharacters, ['newName']);
    if (description != null) checkText(description, LIMITS.classDescriptionCharacters, ['description']);
    const former = await this.find(reference);
    const { catalog, prototypes } = this.parts;
    const row = await catalog.classes.rename(former.id, {
      name: newName?.trim() ?? former.name,
      description: description === undefined ? former.description : description,
    });
    await prototypes.knownFeatures([row], await catalog.encoders.active());
    return row;
  }

  /** @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE, BAD_INPUT */
  async merge(from: readonly string[], into: string): Promise<ClassRow> {
    if (from.length === 0 || from.length > LIMITS.classesPerMerge) {
      throw new CommonspaceError('BAD_INPUT', `Name 1 to ${LIMITS.classesPerMerge} classes.`, ['from']);
    }
    const kept = await this.find({ name: into }, 'into');
    const merged = new Map<string, ClassRow>();
    for (const [i, name] of from.entries()) {
      const row = await this.find({ name }, `from.${i}`);
      if (row.id === kept.id) {
        throw new CommonspaceError('BAD_INPUT', 'A class cannot be merged into itself.', ['from', String(i)]);
      }
      merged.set(row.id, row);
    }
    await this.parts.catalog.classes.merge([...merged.keys()], kept.id);
    return kept;
  }

  /** @throws CommonspaceError UNKNOWN_CLASS, CLASS_IN_USE, BAD_INPUT @returns the deleted class */
  async delete(reference: ClassReference): Promise<ClassRow> {
    const row = await this.find(reference);
    await this.parts.catalog.classes.delete(row.id);
    return row;
  }

  private async find({ id, name }: ClassReference, field?: string): Promise<ClassRow> {
    if ((id == null) === (name == null)) {
      throw new CommonspaceError('BAD_INPUT', 'Give exactly one of id and name.', ['id']);
    }
    const path = (field ?? (id != null ? 'id' : 'name')).split('.');
    checkStorable(id ?? name ?? '', path);
    const { classes } = this.parts.catalog;
    const row =
      id != null ? isUuid(id) && (await classes.byId(id)) : (await classes.byNames([name ?? '']))[0];
    if (row) return row;
    const what = id != null ? 'id' : 'name';
    throw new CommonspaceError(
      'UNKNOWN_CLASS',
      `No class has the ${what} ${JSON.stringify(id ?? name)}.`,
      path,
    );
  }
}
