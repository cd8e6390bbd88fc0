import type { Catalog } from '../../catalog/catalog.js';
import type { ExistingItem } from '../../catalog/types.js';
import type { OpenImageExtractor, OpenTextExtractor } from '../../features/types.js';
import type { ActiveEncoder, LoadedEncoder } from '../serving/active-encoder.js';
import type { Extractors } from '../serving/extractors-in-use.js';
import type { PreparedItem } from './ingest-preparation.js';
import { identityOf } from './item-identity.js';

/**
 * The state of the catalogue that one attempt to store items is based on. Another writer may change the catalogue
 * meanwhile: the write then fails, and the next attempt takes a new snapshot.
 */
export interface IngestSnapshot {
  /** The item stored under an item's identity, by the item's index; absent where there is none. */
  readonly existing: ReadonlyMap<number, ExistingItem>;
  /** The number of items of each pair that an item names; absent for a pair that does not exist. */
  readonly pairSizes: ReadonlyMap<string, number>;
  /** The encoders that items are embedded for. */
  readonly encoders: readonly LoadedEncoder[];
  /** Extractors whose features are stored: the configured ones, and those of the encoders that could be opened. */
  readonly imageExtractors: readonly OpenImageExtractor[];
  readonly textExtractors: readonly OpenTextExtractor[];
}

/** Takes snapshots, each with a query each for the items, the pairs and the encoders. */
export class IngestSnapshots {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly extractors: Extractors,
  ) {}

  async take(items: readonly PreparedItem[]): Promise<IngestSnapshot> {
    const pairKeys = new Set(items.flatMap(({ input }) => input.pairKey ?? []));
    const [found, pairSizes, encoders] = await Promise.all([
      this.catalog.items.findExisting(items.map(identityOf)),
      this.catalog.items.pairSizes([...pairKeys]),
      this.encoders.live(),
    ]);
    const rows = encoders.map(({ row }) => row);
    const imageExtractors = await this.extractors.images.needed(rows);
    const textExtractors = await this.extractors.texts.needed(rows);
    const existing = new Map(
      items.flatMap((item, i) => {
        const stored = found[i] ?? null;
        return stored === null ? [] : [[item.index, stored] as const];
      }),
    );
    return { existing, pairSizes, encoders, imageExtractors, textExtractors };
  }
}

/** Whether the catalogue does not hold the item's content under its identity, so that its vectors must be computed. */
export function hasNewContent(item: PreparedItem, { existing }: IngestSnapshot): boolean {
  return existing.get(item.index)?.row.contentHash !== item.contentHash;
}
