import type { Queryable } from './database.js';

/**
 * A number that changes with the items, classes and embeddings, for all servers on the database. What is derived from them
 * after the number was read is up to date while the number is the same.
 *
 * A writer adds to it after its commit and before it answers. So every acknowledged write is seen, no transaction holds the
 * row, and readers of a replica are right too. If a process dies in between, its write is committed and the number is not
 * changed: bound the age of what is derived.
 */
export class ChangeStamp {
  constructor(private readonly db: Queryable) {}

  async read(): Promise<string> {
    const [row] = await this.db.run<{ stamp: string }>(
      'SELECT count::text AS stamp FROM vectors.catalogue_change',
    );
    return row?.stamp ?? '';
  }

  /** Call it after a commit. It does not fail, because the write is committed. */
  async add(): Promise<void> {
    await this.db.run('UPDATE vectors.catalogue_change SET count = count + 1').catch(() => {});
  }
}
