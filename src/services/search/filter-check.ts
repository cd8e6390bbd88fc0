import type { Catalog } from '../../catalog/catalog.js';
import { checkStorable, checkStorableJson } from '../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { classNamesIn, filterIds, filterTerms, type ItemFilter } from '../../domain/filter.js';
import { LIMITS } from '../../domain/limits.js';

/** Checks the filters of callers. */
export class FilterCheck {
  constructor(private readonly catalog: Catalog) {}

  /**
   * @throws CommonspaceError UNKNOWN_CLASS for a class name that no class has, BAD_INPUT for a filter too large or with a
   *   string that cannot be stored.
   */
  async check(filter: ItemFilter | null, field = 'filter'): Promise<void> {
    if (filter === null) return;
    if (filterTerms(filter) > LIMITS.filterTerms) {
      throw new CommonspaceError('BAD_INPUT', `A filter may have ${LIMITS.filterTerms} terms at most.`, [
        field,
      ]);
    }
    if (filterIds(filter) > LIMITS.filterIds) {
      throw new CommonspaceError('BAD_INPUT', `A filter may have ${LIMITS.filterIds} ids at most.`, [
        field,
        'ids',
      ]);
    }
    checkFilterStrings(filter, [field]);
    await this.classesExist(classNamesIn(filter), [field, 'classNames']);
  }

  /** @throws CommonspaceError UNKNOWN_CLASS naming the classes that do not exist, BAD_INPUT for a name none can have. */
  async classesExist(names: readonly string[], field: FieldPath): Promise<void> {
    if (names.length === 0) return;
    checkNames(names, field);
    const known = new Set((await this.catalog.classes.byNames(names)).map((row) => row.name));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      const quoted = unknown.map((name) => `"${name}"`).join(', ');
      throw new CommonspaceError(
        'UNKNOWN_CLASS',
        `No class has the name ${quoted}; \`classes\` lists them all.`,
        field,
      );
    }
  }
}

function checkNames(names: readonly string[], field: FieldPath): void {
  names.forEach((name, i) => {
    checkStorable(name, [...field, String(i)]);
  });
}

function checkFilterStrings(filter: ItemFilter, field: FieldPath): void {
  const { ids, classNames, metadata, and, or, not } = filter;
  if (ids) checkNames(ids, [...field, 'ids']);
  if (classNames) checkNames(classNames, [...field, 'classNames']);
  if (metadata) checkStorableJson(JSON.stringify(metadata), [...field, 'metadata']);
  and?.forEach((inner, i) => {
    checkFilterStrings(inner, [...field, 'and', String(i)]);
  });
  or?.forEach((inner, i) => {
    checkFilterStrings(inner, [...field, 'or', String(i)]);
  });
  if (not) checkFilterStrings(not, [...field, 'not']);
}
