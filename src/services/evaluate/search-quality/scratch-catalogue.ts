import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, openCatalog } from '../../../catalog/catalog.js';
import type { ItemWrite } from '../../../catalog/types.js';
import { throwIfCancelled } from '../../../domain/errors.js';
import { extractorOf } from '../../serving/active-encoder.js';
import type { SampleItem, SourceSample } from './source-sample.js';

const CHUNK = 500;

/** A copy of a sample in an embedded database of its own, in a temporary folder, where captions can be taken away. */
export class ScratchCatalogue {
  /** Items that have lost their pair and title. */
  private readonly bare = new Set<string>();

  private constructor(
    readonly catalog: Catalog,
    private readonly folder: string,
    private readonly sample: SourceSample,
    private items: readonly SampleItem[],
  ) {}

  static async create(
    sample: SourceSample,
    weights: Uint8Array,
    signal?: AbortSignal,
  ): Promise<ScratchCatalogue> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-search-quality-'));
    let catalog: Catalog;
    try {
      catalog = await openCatalog({ dataDir: folder });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    const scratch = new ScratchCatalogue(catalog, folder, sample, sample.items);
    try {
      const { id, dimension, imageExtractor, textExtractor, config, report } = sample.active.row;
      await catalog.encoders.create(
        { id, dimension, imageExtractor, textExtractor, config, report },
        weights,
      );
      await catalog.encoders.activate(id);
      await scratch.write(sample.items, true, signal);
      await catalog.maintain();
      return scratch;
    } catch (error) {
      await scratch.close();
      throw error;
    }
  }

  /** Takes the pair and the title from exactly the items that are not captioned. */
  async setCaptioned(captioned: (item: SampleItem) => boolean, signal?: AbortSignal): Promise<void> {
    const changed = this.items.filter((item) => captioned(item) === this.bare.has(item.row.id));
    for (const { row } of changed) {
      if (this.bare.has(row.id)) this.bare.delete(row.id);
      else this.bare.add(row.id);
    }
    if (changed.length === 0) return;
    await this.write(changed, false, signal);
    await this.catalog.maintain();
  }

  async remove(ids: ReadonlySet<string>): Promise<void> {
    await this.catalog.items.delete([...ids]);
    this.items = this.items.filter(({ row }) => !ids.has(row.id));
    await this.catalog.maintain();
  }

  async close(): Promise<void> {
    await this.catalog.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async write(items: readonly SampleItem[], vectors: boolean, signal?: AbortSignal): Promise<void> {
    for (let start = 0; start < items.length; start += CHUNK) {
      throwIfCancelled(signal);
      const chunk = items.slice(start, start + CHUNK);
      await this.catalog.items.upsertMany(chunk.map((item) => this.writeOf(item, vectors)));
    }
  }

  private writeOf({ row, pairId, feature, embedding }: SampleItem, vectors: boolean): ItemWrite {
    const bare = this.bare.has(row.id);
    const encoder = this.sample.active.row;
    return {
      id: row.id,
      modality: row.modality,
      // Two items without a pair may have the same content.
      externalId: row.id,
      title: bare ? null : row.title,
      metadata: row.metadata,
      contentHash: row.contentHash,
      pairKey: bare ? null : pairId,
      classNames: [],
      image:
        row.modality === 'IMAGE'
          ? { mediaType: row.mediaType, width: row.width, height: row.height, bytes: 1, pictureHash: null }
          : null,
      text: row.modality === 'TEXT' ? { text: row.text, language: row.language } : null,
      features: new Map(vectors ? [[extractorOf(encoder, row.modality), feature]] : []),
      embeddings: new Map(vectors ? [[encoder.id, embedding]] : []),
    };
  }
}
