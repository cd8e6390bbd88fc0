import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';
import { classNamesIn, filterTerms, type ItemFilter } from '../../domain/filter.js';
import { LIMITS } from '../../domain/limits.js';

/** Refuses filters that cannot mean what their caller thinks. */
export class FilterCheck {
  constructor(private readonly catalog: Catalog) {}

  /** @throws CommonspaceError UNKNOWN_CLASS for a class name that no class has, BAD_INPUT for a filter too large. */
  async check(filter: ItemFilter | null, field = 'filter'): Promise<void> {
    if (filter === null) return;
    if (filterTerms(filter) > LIMITS.filterTerms) {
      throw new CommonspaceError('BAD_INPUT', `A filter may have ${LIMITS.filterTerms} terms at most.`, [
        field,
      ]);
    }
    await this.classesExist(classNamesIn(filter), [field, 'classNames']);
  }

  /** @throws CommonspaceError UNKNOWN_CLASS naming the classes that are not there. */
  async classesExist(names: readonly string[], field: readonly string[]): Promise<void> {
    if (names.length === 0) return;
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
