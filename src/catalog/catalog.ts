import { ChangeStamp } from './postgres/change-stamp.js';
import { type ConnectOptions, connect } from './postgres/connect.js';
import type { Database } from './postgres/database.js';
import { DatabaseFiles } from './postgres/database-files.js';
import { type Distribution, distribute } from './postgres/distribution.js';
import { readTopology, type Topology } from './postgres/nodes.js';
import { ApiKeyTable } from './repositories/api-keys.js';
import { ArchiveReads } from './repositories/archive-reads.js';
import { ArchiveWrites } from './repositories/archive-writes.js';
import { AuditLog } from './repositories/audit-log.js';
import { BudgetUses } from './repositories/budget-uses.js';
import { Classes } from './repositories/classes.js';
import { EncoderEpochs } from './repositories/encoder-epochs.js';
import { EncoderEvaluations } from './repositories/encoder-evaluations.js';
import { EncoderRuns } from './repositories/encoder-runs.js';
import { Encoders } from './repositories/encoders.js';
import { FacetCounts } from './repositories/facets.js';
import { ItemChanges } from './repositories/item-changes.js';
import { Items } from './repositories/items.js';
import { JobList } from './repositories/job-list.js';
import { Jobs } from './repositories/jobs.js';
import { Media } from './repositories/media.js';
import { PictureHashes } from './repositories/picture-hashes.js';
import { ServerChecks } from './repositories/server-checks.js';
import { serverSecret } from './repositories/server-secret.js';
import { ArchivedVectors } from './vectors/archived-vectors.js';
import { MapPoints } from './vectors/map-points.js';
import { NearImages } from './vectors/near-images.js';
import { QuerySamples } from './vectors/query-samples.js';
import { StoredExtractors } from './vectors/stored-extractors.js';
import { VectorIndexes } from './vectors/vector-indexes.js';
import { VectorPartitions } from './vectors/vector-partitions.js';
import { VectorRanking } from './vectors/vector-ranking.js';
import { VectorReads } from './vectors/vector-reads.js';
import { VectorWrites } from './vectors/vector-writes.js';
import { Words } from './words/words.js';

/** The catalogue: everything that is stored except the pictures' bytes. One object for each kind of thing. */
export interface Catalog {
  readonly kind: 'embedded' | 'server';
  readonly items: Items;
  /** The feed of changes of items. */
  readonly itemChanges: ItemChanges;
  readonly classes: Classes;
  readonly encoders: Encoders;
  readonly encoderRuns: EncoderRuns;
  readonly encoderEpochs: EncoderEpochs;
  readonly encoderEvaluations: EncoderEvaluations;
  readonly vectors: VectorReads;
  readonly vectorWrites: VectorWrites;
  readonly ranking: VectorRanking;
  readonly indexes: VectorIndexes;
  readonly extractors: StoredExtractors;
  /** The words of items: what a text query has in common with them. */
  readonly words: Words;
  readonly media: Media;
  /** The catalogue as an archive has it. */
  readonly archive: {
    readonly reads: ArchiveReads;
    readonly writes: ArchiveWrites;
    readonly vectors: ArchivedVectors;
  };
  readonly apiKeys: ApiKeyTable;
  /** What callers have used of their budgets, of all servers. */
  readonly budgetUses: BudgetUses;
  readonly audit: AuditLog;
  /** Jobs of the queue, for those who work on them. */
  readonly jobs: Jobs;
  /** All jobs, trainings and evaluations included, for those who look at them. */
  readonly jobList: JobList;
  /** What sessions and signed addresses are signed with, the same for all servers on the database. */
  readonly serverSecret: () => Promise<Buffer>;
  readonly serverChecks: ServerChecks;
  /** What encoders are asked, in bounded samples without texts. */
  readonly querySamples: QuerySamples;
  readonly hashes: PictureHashes;
  /** Maps of encoders in two dimensions. */
  readonly mapPoints: MapPoints;
  readonly nearImages: NearImages;
  readonly facets: FacetCounts;
  /** The servers that the database is distributed over. */
  readonly nodes: CatalogNodes;
  /** Changes with items, classes and embeddings. */
  readonly changes: ChangeStamp;
  /** The files of the embedded database; null on a server. */
  readonly files: DatabaseFiles | null;
  /** The connections, for what no repository does. Waiting for one inside a transaction can deadlock. */
  readonly database: Database;
  /**
   * Adds words that items lack, counts words, and refreshes the planner's statistics. On the embedded server, which has no
   * autovacuum, also reclaims the space of replaced and deleted rows. A server skips a table whose index is being built.
   * Call it after a large ingest or training.
   */
  maintain(): Promise<void>;
  /** Versions and migrations of the database, for display. */
  describe(): Promise<CatalogDescription>;
  /** Ends the connections and stops the embedded server after it has written everything to disk. */
  close(): Promise<void>;
}

interface CatalogNodes {
  /**
   * Distributes the tables over the workers of Citus; see distribute. The catalogue is opened again afterwards.
   *
   * @throws CommonspaceError CITUS_MISSING, BUSY
   */
  distribute(shards?: number): Promise<Distribution>;
  /** Null on a database that is not distributed. */
  topology(): Promise<Topology | null>;
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
 * @throws CommonspaceError DATABASE_UNREACHABLE, PGVECTOR_MISSING, PG_TRGM_MISSING, MIGRATION_FAILED,
 * DATA_FOLDER_LOCKED, DATA_FOLDER_NOT_WRITABLE.
 */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const database = await connect(options);
  const partitions = new VectorPartitions(database);
  const changes = new ChangeStamp(database);
  const vectorWrites = new VectorWrites(database, partitions, changes);
  const vectors = new VectorReads(database, partitions);
  const extractors = new StoredExtractors(database);
  const archived = new ArchivedVectors(database, partitions, vectors, extractors);
  const words = new Words(database, options.onError ?? (() => {}));
  const itemChanges = new ItemChanges(database);
  await orClose(database, async () => {
    await itemChanges.begin();
    // An embedded catalogue of an older version gets its words when it is opened, because a command may use it only once. On a
    // server this would delay the start, and `Upkeep` does it in the background.
    if (database.kind === 'embedded') await words.fill();
  });
  return {
    kind: database.kind,
    items: new Items(database, { partitions, vectors: vectorWrites, words, changes }),
    itemChanges,
    classes: new Classes(database, changes),
    encoders: new Encoders(database, partitions, changes),
    encoderRuns: new EncoderRuns(database, partitions),
    encoderEpochs: new EncoderEpochs(database),
    encoderEvaluations: new EncoderEvaluations(database),
    vectors,
    vectorWrites,
    ranking: new VectorRanking(database, partitions),
    indexes: new VectorIndexes(database, partitions),
    extractors,
    words,
    media: new Media(database),
    archive: {
      reads: new ArchiveReads(database, archived),
      writes: new ArchiveWrites(database, partitions, changes),
      vectors: archived,
    },
    apiKeys: new ApiKeyTable(database),
    budgetUses: new BudgetUses(database),
    audit: new AuditLog(database),
    jobs: new Jobs(database),
    jobList: new JobList(database),
    serverSecret: () => serverSecret(database),
    serverChecks: new ServerChecks(database),
    querySamples: new QuerySamples(database, partitions),
    hashes: new PictureHashes(database),
    mapPoints: new MapPoints(database),
    nearImages: new NearImages(database, partitions),
    facets: new FacetCounts(database),
    nodes: {
      distribute: (shards) => distribute(database, shards),
      topology: () => readTopology(database),
    },
    changes,
    files:
      database.kind === 'embedded' && options.dataDir ? new DatabaseFiles(database, options.dataDir) : null,
    database,
    async maintain() {
      if ((await words.fill()) === 0) await words.count();
      await database.runOnce(database.kind === 'embedded' ? 'VACUUM (ANALYZE)' : 'ANALYZE (SKIP_LOCKED)');
    },
    async describe() {
      const [row] = await database.run<{
        server: string;
        pgvector: string;
        citus: string | null;
        migrations: string[];
      }>(
        `SELECT current_setting('server_version') AS server,
           (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector,
           (SELECT extversion FROM pg_extension WHERE extname = 'citus') AS citus,
           (SELECT array_agg(migration_name::text ORDER BY started_at) FROM _prisma_migrations) AS migrations`,
      );
      const citus = row?.citus ? `, Citus ${row.citus}` : '';
      const version = `PostgreSQL ${row?.server}, pgvector ${row?.pgvector}${citus}`;
      return { version, migrations: row?.migrations ?? [], applied: database.applied };
    },
    async close() {
      await words.close();
      await database.close();
    },
  };
}

/** Does what opening a catalogue needs. If it fails, the database is closed. */
async function orClose(database: Database, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await database.close();
    throw error;
  }
}
