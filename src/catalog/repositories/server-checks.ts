import { z } from 'zod';
import type { Database } from '../postgres/database.js';

const versions = z.object({ installed: z.string(), available: z.string() });
const clock = z.object({ now: z.number() });

/** Versions of an extension. */
export type ExtensionVersions = Readonly<z.infer<typeof versions>>;

/** What `commonspace doctor` asks the database server about itself. */
export class ServerChecks {
  constructor(private readonly db: Database) {}

  /** The version of pgvector's SQL objects in this database, and that of the library on the server, which does the work. */
  async pgvector(): Promise<ExtensionVersions> {
    const [row] = await this.db.run(
      `SELECT installed_version AS installed, default_version AS available FROM pg_available_extensions WHERE name = 'vector'`,
    );
    return versions.parse(row);
  }

  /** Names of indexes that are not valid, and that no statement is building. The planner does not use them. */
  async invalidIndexes(): Promise<string[]> {
    const rows = await this.db.run<{ name: string }>(
      `SELECT i.indexrelid::regclass::text AS name FROM pg_index i
       WHERE NOT i.indisvalid AND NOT EXISTS (
         SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)
       ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  }

  /** The clock of the database server, in milliseconds since 1970. */
  async now(): Promise<number> {
    const [row] = await this.db.run('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now');
    return clock.parse(row).now;
  }

  /** Hashes of the pictures that items show, ascending. @param after the last of the page before; null for the first page */
  async shownPictures(after: string | null, limit: number): Promise<string[]> {
    const rows = await this.db.run<{ hash: string }>(
      `SELECT DISTINCT content_hash AS hash FROM item WHERE modality = 'IMAGE' AND content_hash > $1
       ORDER BY content_hash LIMIT $2`,
      [after ?? '', limit],
    );
    return rows.map(({ hash }) => hash);
  }

  /** The number of pairs without an item that were stored before a time. */
  async emptyPairs(before: Date): Promise<number> {
    const [row] = await this.db.run<{ pairs: number }>(
      `SELECT count(*)::int AS pairs FROM pair p
       WHERE p.created_at < $1 AND NOT EXISTS (SELECT 1 FROM item i WHERE i.pair_id = p.id AND i.home = p.home)`,
      [before.toISOString()],
    );
    return row?.pairs ?? 0;
  }
}
