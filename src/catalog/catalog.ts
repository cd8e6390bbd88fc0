import { type ConnectOptions, connect } from './postgres/connect.js';
import type { Database } from './postgres/database.js';
import { Classes } from './repositories/classes.js';
import { EncoderEvaluations } from './repositories/encoder-evaluations.js';
import { EncoderRuns } from './repositories/encoder-runs.js';
import { Encoders } from './repositories/encoders.js';
import { Items } from './repositories/items.js';
import { Media } from './repositories/media.js';
import { copyReader } from './vectors/copy-reader.js';
import { StampedCopies } from './vectors/stamped-copies.js';
import { VectorMemory } from './vectors/vector-memory.js';
import { VectorSearch } from './vectors/vector-search.js';
import { VectorStamps } from './vectors/vector-stamp.js';
import { VectorStore } from './vectors/vector-store.js';
import { VectorTables } from './vectors/vector-tables.js';

/** The catalogue: everything that is stored but the pictures' bytes. One object for each kind of thing. */
export interface Catalog {
  readonly kind: 'embedded' | 'server';
  readonly items: Items;
  readonly classes: Classes;
  readonly encoders: Encoders;
  readonly encoderRuns: EncoderRuns;
  readonly encoderEvaluations: EncoderEvaluations;
  readonly vectors: VectorStore;
  readonly media: Media;
  /** The connections, for what no repository does. Never wait for them inside a transaction of another's. */
  readonly database: Database;
  /**
   * Refreshes the planner's statistics, and on the embedded server (which has no autovacuum) also reclaims the room of
   * rows replaced or deleted. Worth calling after a large ingest or training.
   */
  maintain(): Promise<void>;
  /** What the database is, for people. */
  describe(): Promise<CatalogDescription>;
  /** Copies what searches with the active encoder compare and show into memory, where it is little; see StampedCopies. */
  warmUp(): Promise<void>;
  /** Ends the connections and stops the embedded server, which then is safely on disk. */
  close(): Promise<void>;
}

export interface CatalogDescription {
  /** E.g. `PostgreSQL 17.2, pgvector 0.8.0`. */
  readonly version: string;
  /** Names of all migrations, oldest first. */
  readonly migrations: readonly string[];
  /** Those that opening this catalogue applied. */
  readonly applied: readonly string[];
}

export type CatalogOptions = ConnectOptions;

/**
 * Opens the catalogue: on the server named by `databaseUrl`, else on the embedded one under `dataDir`.
 *
 * @throws CommonspaceError DATABASE_UNREACHABLE, PGVECTOR_MISSING, MIGRATION_FAILED, DATA_FOLDER_LOCKED,
 * DATA_FOLDER_NOT_WRITABLE.
 */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const database = await connect(options);
  const tables = new VectorTables(database);
  const copies = new StampedCopies(copyReader(database, tables), new VectorStamps(database));
  const store = new VectorStore(
    database,
    tables,
    new VectorSearch(database, tables, new VectorMemory(copies)),
  );
  const encoders = new Encoders(database, tables, copies);
  return {
    kind: database.kind,
    items: new Items(database, store, copies),
    classes: new Classes(database, store),
    encoders,
    encoderRuns: new EncoderRuns(database, tables),
    encoderEvaluations: new EncoderEvaluations(database),
    vectors: store,
    media: new Media(database),
    database,
    async maintain() {
      await database.runOnce(database.kind === 'embedded' ? 'VACUUM (ANALYZE)' : 'ANALYZE');
    },
    async describe() {
      const [row] = await database.run<{ server: string; pgvector: string; migrations: string[] }>(
        `SELECT current_setting('server_version') AS server,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
           (SELECT array_agg(migration_name::text ORDER BY started_at) FROM _prisma_migrations) AS migrations`,
      );
      const version = `PostgreSQL ${row?.server}, pgvector ${row?.pgvector}`;
      return { version, migrations: row?.migrations ?? [], applied: database.applied };
    },
    async warmUp() {
      const active = await encoders.active();
      if (active === null) return;
      await copies.hold([
        { kind: 'items' },
        { kind: 'embeddings', encoderId: active.id },
        { kind: 'features', extractor: active.textExtractor, modality: 'TEXT' },
        { kind: 'features', extractor: active.imageExtractor, modality: 'IMAGE' },
      ]);
    },
    async close() {
      await copies.close();
      await database.close();
    },
  };
}
