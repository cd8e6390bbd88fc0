/**
 * A statement for a database that is not distributed: without `AND a.home = b.home`, and without homes in GROUP BY. There they say nothing, and an
 * index that holds all other columns of a table could not be read alone.
 */
export function withoutHomes(statement: string): string {
  return statement
    .replaceAll(/\s+AND \w+\.home = \w+\.home\b/g, '')
    .replaceAll(/(GROUP BY \w+\.id), \w+\.home\b/g, '$1');
}
