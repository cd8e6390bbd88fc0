import pLimit from 'p-limit';
import type { Catalog } from '../../catalog/catalog.js';
import type { ItemRow } from '../../catalog/types.js';
import { CommonspaceError, passes, throwIfCancelled } from '../../domain/errors.js';
import type { ExtractOptions, Pixels } from '../../features/types.js';
import { decodeRgb } from '../../media/decode.js';
import type { MediaStore } from '../../media/media-store.js';
import type { Extractors, OpenPair } from './extractors-in-use.js';

/** Items per batch. Features are stored after each batch, so an interrupted run loses one batch at most. */
const CHUNK = 64;
/** Images decoded at once: one less than the decoder has slots, so that a request finds one free. */
const DECODED_AT_ONCE = 2;
/** Unreadable items that are named; the others are only counted. */
const NAMED = 20;

export interface BackfillParts {
  readonly catalog: Catalog;
  readonly media: MediaStore;
}

/** `done` of `all` items are processed, of which `failed` could not be read. */
export interface BackfillProgress {
  readonly done: number;
  readonly all: number;
  readonly failed: number;
}

export interface BackfillHooks {
  readonly onProgress?: ((progress: BackfillProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A stored item whose content can no longer be read. */
interface UnreadableItem {
  readonly id: string;
  readonly externalId: string | null;
  readonly error: CommonspaceError;
}

export interface BackfillReport {
  /** The number of items that got a feature. */
  readonly extracted: number;
  readonly failed: number;
  /** The first of those that failed. */
  readonly unreadable: readonly UnreadableItem[];
}

/** Extracts missing features: items that were stored while another extractor was in use lack those of a later one. */
export class FeatureBackfill {
  constructor(
    private readonly parts: BackfillParts,
    private readonly extractors: Extractors,
  ) {}

  /**
   * Extracts, from stored bytes and texts, the features that items lack of these extractors.
   * It runs in the background and leaves threads to requests. Stored features stay even if it fails or is cancelled.
   *
   * @throws CommonspaceError CANCELLED, MEDIA_UNREACHABLE, or BAD_MODEL if the extractor fails; an item that cannot be read is only
   * counted.
   */
  async fill(open: OpenPair, hooks: BackfillHooks = {}): Promise<BackfillReport> {
    const { images, texts } = this.extractors;
    return await images.whileOpen(open.image, () =>
      texts.whileOpen(open.text, () => new Backfill(this.parts, open, hooks).run()),
    );
  }
}

type Extract = (items: readonly ItemRow[]) => Promise<void>;

class Backfill {
  private done = 0;
  private all = 0;
  private extracted = 0;
  private failed = 0;
  private readonly unreadable: UnreadableItem[] = [];
  private readonly options: ExtractOptions;

  constructor(
    private readonly parts: BackfillParts,
    private readonly open: OpenPair,
    private readonly hooks: BackfillHooks,
  ) {
    this.options = { background: true, signal: hooks.signal };
  }

  async run(): Promise<BackfillReport> {
    const { catalog } = this.parts;
    const { image, text } = this.open;
    const counts = await Promise.all([
      catalog.items.countWithoutFeature(image.id, 'IMAGE'),
      catalog.items.countWithoutFeature(text.id, 'TEXT'),
    ]);
    this.all = counts[0] + counts[1];
    if (counts[0] > 0) await this.fill('IMAGE', image.id, (items) => this.extractImages(items));
    if (counts[1] > 0) await this.fill('TEXT', text.id, (items) => this.extractTexts(items));
    const { extracted, failed, unreadable } = this;
    return { extracted, failed, unreadable };
  }

  /** Processes the items that lack a feature once, by ascending id. */
  private async fill(modality: ItemRow['modality'], extractor: string, extract: Extract): Promise<void> {
    let afterId: string | null = null;
    for (;;) {
      throwIfCancelled(this.hooks.signal);
      const items: ItemRow[] = await this.parts.catalog.items.withoutFeature(extractor, modality, {
        afterId,
        limit: CHUNK,
      });
      afterId = items.at(-1)?.id ?? null;
      if (afterId === null) return;
      await extract(items);
      this.done += items.length;
      // Items may have been added since the count.
      this.all = Math.max(this.all, this.done);
      this.hooks.onProgress?.({ done: this.done, all: this.all, failed: this.failed });
    }
  }

  private async extractTexts(items: readonly ItemRow[]): Promise<void> {
    const texts = items.map((item) => (item.modality === 'TEXT' ? item.text : ''));
    const { text } = this.open;
    await this.store(text.id, items, await text.extract(texts, this.options));
  }

  private async extractImages(items: readonly ItemRow[]): Promise<void> {
    const limit = pLimit(DECODED_AT_ONCE);
    const decoded = await Promise.all(items.map((item) => limit(() => this.decode(item))));
    const readable = items.filter((_, i) => decoded[i] !== null);
    const pixels = decoded.filter((one) => one !== null);
    const { image } = this.open;
    await this.store(image.id, readable, await image.extract(pixels, this.options));
  }

  /** Null if the image's bytes are missing or cannot be decoded. */
  private async decode(item: ItemRow): Promise<Pixels | null> {
    try {
      const decode = (bytes: Buffer) => decodeRgb(bytes, this.open.image.input);
      return await this.parts.media.use(item.contentHash, decode, this.hooks.signal);
    } catch (error) {
      if (!(error instanceof CommonspaceError) || passes(error)) throw error;
      // An item that was deleted or replaced since it was read is no failure.
      const now = await this.parts.catalog.items.byId(item.id);
      if (now?.contentHash !== item.contentHash) return null;
      this.failed += 1;
      if (this.unreadable.length < NAMED) {
        this.unreadable.push({ id: item.id, externalId: item.externalId, error });
      }
      return null;
    }
  }

  private async store(
    extractor: string,
    items: readonly ItemRow[],
    vectors: readonly Float32Array[],
  ): Promise<void> {
    const late = items.flatMap(({ id: itemId, contentHash }, i) => {
      const vector = vectors[i];
      return vector === undefined ? [] : [{ itemId, contentHash, vector }];
    });
    this.extracted += await this.parts.catalog.vectorWrites.fillFeatures(extractor, late);
  }
}

/** A note about the items that could not be read; empty if there are none. */
export function unreadableNotes({ failed, unreadable }: BackfillReport): string[] {
  if (failed === 0) return [];
  const names = unreadable.map(({ id, externalId, error }) => `${externalId ?? id} (${error.code})`);
  const more = failed > unreadable.length ? ` and ${failed - unreadable.length} more` : '';
  return [`${failed} stored items cannot be read and have no feature: ${names.join(', ')}${more}.`];
}
