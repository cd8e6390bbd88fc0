import { statfs } from 'node:fs/promises';
import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import type { Sweep } from '../sweep/sweep.js';
import { clockFinding, diskFinding, type Finding, ok, pgvectorFinding } from './findings.js';
import { nodeFindings } from './node-findings.js';
import { replicaFindings } from './replica-findings.js';

/** Pictures that are looked up together. */
const PICTURES_AT_ONCE = 1_000;
/** Missing pictures that are named. */
const NAMED = 3;

export interface CheckParts {
  readonly catalog: Catalog;
  readonly media: Pick<MediaStore, 'files' | 'place' | 'problem'>;
  readonly sweep: Pick<Sweep, 'find'>;
  /** The data folder. */
  readonly folder: string;
}

/** What `commonspace doctor` looks for, each with what to do. It changes nothing. */
export class Checks {
  constructor(private readonly parts: CheckParts) {}

  /** One finding or more of each check, also where all is well. */
  async run(): Promise<Finding[]> {
    const { catalog, folder } = this.parts;
    const { bavail, blocks, bsize } = await statfs(folder);
    return [
      pgvectorFinding(await catalog.serverChecks.pgvector()),
      ...(await this.nodes()),
      ...(await this.indexes()),
      ...(await replicaFindings(catalog.database.replicas)),
      await this.pictures(),
      await this.leftovers(),
      await this.clock(),
      diskFinding(bavail * bsize, blocks * bsize),
    ];
  }

  private async nodes(): Promise<Finding[]> {
    const topology = await this.parts.catalog.nodes.topology();
    return topology === null ? [] : nodeFindings(topology);
  }

  private async indexes(): Promise<Finding[]> {
    const { indexes, serverChecks } = this.parts.catalog;
    const lacking = await indexes.lacking();
    const invalid = (await serverChecks.invalidIndexes()).filter(
      // Those of partitions are dropped and built again by the upkeep of indexes, which is the remedy of the others.
      (name) => !lacking.some(({ partition }) => name.includes(partition.replace('vectors.', ''))),
    );
    const found: Finding[] = lacking.map(({ partition, building }) => ({
      check: 'indexes',
      level: 'warning',
      message: `${partition} has no HNSW index${building ? ' yet: it is being built' : ''}; searches compare all of its vectors`,
      remedy: building
        ? null
        : 'run `commonspace serve`, which builds it in the background; `commonspace jobs` shows why it does not',
    }));
    for (const name of invalid) {
      found.push({
        check: 'indexes',
        level: 'warning',
        message: `the index ${name} is not valid, so no statement uses it`,
        remedy: `run REINDEX INDEX CONCURRENTLY ${name}`,
      });
    }
    return found.length > 0 ? found : [ok('indexes', 'no index is missing')];
  }

  private async pictures(): Promise<Finding> {
    const { media, catalog } = this.parts;
    const problem = await media.problem();
    if (problem !== null) {
      return {
        check: 'media',
        level: 'error',
        message: `the pictures in ${media.place} are not within reach: ${problem}`,
        remedy:
          'make the place accessible (docs/operations.md, "Object storage"); searches by text go on meanwhile',
      };
    }
    // Both lists are sorted. A request for each picture would be slow in object storage.
    const files = media.files()[Symbol.asyncIterator]();
    let file = await files.next();
    const isThere = async (hash: string) => {
      while (!file.done && file.value.sha256 < hash) file = await files.next();
      return !file.done && file.value.sha256 === hash;
    };
    const named: string[] = [];
    let [checked, missing] = [0, 0];
    for (let after: string | null = null; ; ) {
      const hashes: string[] = await catalog.serverChecks.shownPictures(after, PICTURES_AT_ONCE);
      after = hashes.at(-1) ?? null;
      if (after === null) break;
      checked += hashes.length;
      const gone: string[] = [];
      for (const hash of hashes) if (!(await isThere(hash))) gone.push(hash);
      missing += gone.length;
      named.push(...gone.slice(0, NAMED - named.length));
    }
    await files.return?.(undefined);
    if (missing === 0) return ok('media', `the bytes of all ${checked} pictures are there`);
    return {
      check: 'media',
      level: 'error',
      message: `the bytes of ${missing} of ${checked} pictures are missing: ${named.join(', ')}${missing > named.length ? ', …' : ''}`,
      remedy:
        'restore media/ of the data folder (or the bucket) from a backup, or ingest the pictures again under the same external ids',
    };
  }

  private async leftovers(): Promise<Finding> {
    const found = await this.parts.sweep.find().catch((error: unknown) => {
      if (error instanceof CommonspaceError && error.code === 'MEDIA_UNREACHABLE') return null;
      throw error;
    });
    if (found === null) {
      const message = 'they cannot be counted while the pictures are not within reach';
      return { check: 'leftovers', level: 'warning', message, remedy: null };
    }
    const { uploads, files, pairs, features } = found;
    const counts = [
      { count: uploads, what: 'uploads without an item' },
      { count: files, what: 'files without a record' },
      { count: pairs, what: 'pairs without an item' },
      { count: features.length, what: 'extractors whose features no encoder uses' },
    ].filter(({ count }) => count > 0);
    if (counts.length === 0) return ok('leftovers', 'none that are older than a day');
    const isFeatures = counts.length === 1 && features.length > 0;
    return {
      check: 'leftovers',
      level: 'warning',
      message: `older than a day: ${counts.map(({ count, what }) => `${count} ${what}`).join(', ')}`,
      remedy: isFeatures
        ? 'run `commonspace sweep --features` if the extractors are not needed any more'
        : 'run `commonspace sweep`; a server does so every six hours',
    };
  }

  private async clock(): Promise<Finding> {
    const before = Date.now();
    const there = await this.parts.catalog.serverChecks.now();
    const after = Date.now();
    return clockFinding(there - (before + after) / 2, (after - before) / 2);
  }
}
