import type { Catalog } from '../../catalog/catalog.js';
import type { ExistingItem } from '../../catalog/types.js';
import type { OpenImageExtractor } from '../../features/types.js';
import type { ActiveEncoder, LoadedEncoder } from '../serving/active-encoder.js';
import type { ImageExtractors } from '../serving/image-extractors.js';
import type { PreparedItem } from './ingest-preparation.js';
import { identityOf } from './item-identity.js';

/**
 * The state of the catalogue that one attempt to store items is based on. Another writer may change the catalogue
 * meanwhile: the write then fails, and the next attempt takes a new snapshot.
 */
export interface IngestSnapshot {
  /** The item stored under an item's identity, by the item's index; absent where there is none. */
  readonly existing: ReadonlyMap<number, ExistingItem>;
  /** The encoders that items are embedded for. */
  readonly encoders: readonly LoadedEncoder[];
  /** Image extractors whose features are stored: the configured one, and those of the encoders that could be opened. */
  readonly imageExtractors: readonly OpenImageExtractor[];
}

/** Takes snapshots, each with one query for the items and one for the encoders. */
export class IngestSnapshots {
  constructor(
    private readonly catalog: Catalog,
    private readonly encoders: ActiveEncoder,
    private readonly imageExtractors: ImageExtractors,
  ) {}

  async take(items: readonly PreparedItem[]): Promise<IngestSnapshot> {
    const [found, encoders] = await Promise.all([
      this.catalog.items.findExisting(items.map(identityOf)),
      this.encoders.live(),
    ]);
    const imageExtractors = await this.imageExtractors.needed(encoders.map(({ row }) => row));
    const existing = new Map(
      items.flatMap((item, i) => {
        const stored = found[i] ?? null;
        return stored === null ? [] : [[item.index, stored] as const];
      }),
    );
    return { existing, encoders, imageExtractors };
  }
}

/** Whether the catalogue does not hold the item's content under its identity, so that its vectors must be computed. */
export function hasNewContent(item: PreparedItem, { existing }: IngestSnapshot): boolean {
  return existing.get(item.index)?.row.contentHash !== item.contentHash;
}
