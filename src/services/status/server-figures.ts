import { readFileSync } from 'node:fs';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { Modality } from '../../domain/modality.js';
import type { FeatureExtractors } from '../../features/types.js';
import { decodersWaiting } from '../../media/decode.js';
import { fromPackageRoot } from '../../platform/package-root.js';
import { countLacking } from '../serving/extraction-job.js';
import type { IndexUpkeep } from '../serving/index-upkeep.js';

/** The server and its catalogue, for people. */
export interface ServerState extends Counts {
  readonly version: string;
  readonly startedAt: Date;
  readonly database: Catalog['kind'];
  /** Texts and pictures that wait to be extracted, and pictures that wait to be decoded. */
  readonly waiting: { readonly extractions: number; readonly pictures: number };
  readonly uploadMegabytes: number;
}

interface Counts {
  readonly items: Readonly<Record<Modality, number>>;
  readonly missingIndexes: number;
  readonly classes: number;
  readonly pairs: number;
  /** The active one. */
  readonly encoder: EncoderRow | null;
  /** Items that lack a feature of the active encoder; null without one. */
  readonly unembedded: number | null;
}

/** Counting takes long in a large catalogue, so counts are kept for this many times as long as they took, and for this time at most. */
const KEPT_TIMES = 50;
const MAX_KEPT_MS = 60_000;
const STARTED_AT = new Date(Date.now() - process.uptime() * 1000);
const ALL_CLASSES = { search: null, seen: null, seenIds: [] };

/** Reads the figures of a server. */
export class ServerFigures {
  private readonly version: string;
  private counts: { readonly read: Promise<Counts>; until: number } | null = null;

  constructor(
    private readonly catalog: Catalog,
    private readonly features: Pick<FeatureExtractors, 'queues'>,
    private readonly indexes: Pick<IndexUpkeep, 'state'>,
    private readonly maxUploadBytes: number,
  ) {
    const { version } = JSON.parse(readFileSync(fromPackageRoot('package.json'), 'utf8')) as {
      readonly version: string;
    };
    this.version = version;
  }

  /** @throws CommonspaceError DATABASE_UNREACHABLE */
  async read(): Promise<ServerState> {
    const { queries, batches } = this.features.queues();
    return {
      version: this.version,
      startedAt: STARTED_AT,
      database: this.catalog.kind,
      ...(await this.readCounts()),
      waiting: { extractions: queries.waiting + batches.waiting, pictures: decodersWaiting() },
      uploadMegabytes: Math.floor(this.maxUploadBytes / 2 ** 20),
    };
  }

  private async readCounts(): Promise<Counts> {
    if (this.counts === null || this.counts.until < performance.now()) {
      const kept = { read: this.count(), until: Number.POSITIVE_INFINITY };
      this.counts = kept;
      const started = performance.now();
      kept.read.then(
        () => {
          const now = performance.now();
          kept.until = now + Math.min(MAX_KEPT_MS, KEPT_TIMES * (now - started));
        },
        () => {
          this.counts = null;
        },
      );
    }
    return await this.counts.read;
  }

  private async count(): Promise<Counts> {
    const encoder = await this.catalog.encoders.active();
    const [items, classes, pairs, { missing }, unembedded] = await Promise.all([
      this.catalog.items.countByModality(),
      this.catalog.classes.count(ALL_CLASSES),
      this.catalog.items.countPairs(),
      this.indexes.state(),
      encoder === null
        ? null
        : countLacking(this.catalog, { image: encoder.imageExtractor, text: encoder.textExtractor }),
    ]);
    return { items, classes, pairs, encoder, unembedded, missingIndexes: missing };
  }
}
