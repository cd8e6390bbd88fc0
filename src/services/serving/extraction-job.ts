import pLimit from 'p-limit';
import { z } from 'zod';
import type { Catalog } from '../../catalog/catalog.js';
import type { ItemRow } from '../../catalog/types.js';
import { CommonspaceError, passes, throwIfCancelled } from '../../domain/errors.js';
import type { JobFailure } from '../../domain/job.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Pixels } from '../../features/types.js';
import { decodeRgb } from '../../media/decode.js';
import type { MediaStore } from '../../media/media-store.js';
import type { JobContext, JobKind } from '../jobs/job-kind.js';
import { type ActiveEncoder, extractorOf } from './active-encoder.js';
import { embedCatalogue } from './embed-catalogue.js';
import { type Extractors, type OpenPair, openPair } from './extractors-in-use.js';

/** Items per batch. Features are stored after each batch, so an interrupted job loses one batch at most. */
const CHUNK = 64;
/** Images decoded at once: one less than the decoder has slots, so that a request finds one free. */
const DECODED_AT_ONCE = 2;

const parameters = z.object({ encoderId: z.string() });
export type ExtractionParameters = z.output<typeof parameters>;

const position = z.object({
  modality: z.enum(MODALITIES),
  /** The last item of the latest batch; null before the first one of the modality. */
  afterId: z.string().nullable(),
  /** Items of all batches. */
  items: z.number(),
  extracted: z.number(),
});
type Position = z.output<typeof position>;

export interface ExtractionParts {
  readonly catalog: Catalog;
  readonly media: MediaStore;
  readonly extractors: Extractors;
  readonly encoders: ActiveEncoder;
}

/**
 * Extracts, from stored bytes and texts, the features that items lack of an encoder's extractors, and embeds them if the encoder
 * is live. Its inputs are items; those that got a feature or were changed meanwhile are skipped. It leaves threads to requests.
 */
export function extractionJob(parts: ExtractionParts): JobKind<ExtractionParameters> {
  return {
    name: 'EXTRACTION',
    slot: 'long',
    scope: 'train',
    parameters,
    failuresOf: (given) => given,
    run: (given, context) => run(parts, given, context),
  };
}

async function run(
  parts: ExtractionParts,
  { encoderId }: ExtractionParameters,
  context: JobContext,
): Promise<string> {
  const { extractors, catalog } = parts;
  const encoder = await catalog.encoders.byId(encoderId);
  if (encoder === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'The encoder was removed.');
  const open = await openPair(extractors, encoder);
  return await extractors.images.whileOpen(open.image, () =>
    extractors.texts.whileOpen(open.text, async () => {
      const extracted = await new Extraction(parts, open, context).run();
      const embedded = await embedIfLive(parts, encoderId, context.signal);
      return `${extracted} features extracted, ${embedded} items embedded.`;
    }),
  );
}

async function embedIfLive(
  { catalog, encoders }: ExtractionParts,
  id: string,
  signal: AbortSignal,
): Promise<number> {
  const live = (await encoders.live()).find(({ row }) => row.id === id);
  // A training run embeds for an encoder in that state.
  if (live === undefined || live.row.state === 'embedding') return 0;
  return await embedCatalogue(catalog, live.row, live.encoder, () => {}, { signal });
}

/** The outcome of one batch. */
interface Batch {
  readonly stored: number;
  readonly unreadable: readonly UnreadableItem[];
}

/** A stored item whose content can no longer be read. */
interface UnreadableItem {
  readonly item: ItemRow;
  readonly error: CommonspaceError;
}

class Extraction {
  private at: Position;

  constructor(
    private readonly parts: ExtractionParts,
    private readonly open: OpenPair,
    private readonly context: JobContext,
  ) {
    const stored = context.position;
    this.at =
      stored === null ? { modality: 'IMAGE', afterId: null, items: 0, extracted: 0 } : position.parse(stored);
  }

  /** @returns how many features were stored */
  async run(): Promise<number> {
    const { at, open } = this;
    if (this.context.position === null) {
      const total = await countLacking(this.parts.catalog, { image: open.image.id, text: open.text.id });
      await this.context.advance({ position: at, total, done: 0, failed: 0, skipped: 0 });
    }
    if (at.modality === 'IMAGE') await this.extractAll('IMAGE', (items) => this.extractImages(items));
    await this.extractAll('TEXT', (items) => this.extractTexts(items));
    return this.at.extracted;
  }

  /** Processes the items that lack a feature once, by ascending id. */
  private async extractAll(
    modality: Modality,
    extract: (items: readonly ItemRow[]) => Promise<Batch>,
  ): Promise<void> {
    if (this.at.modality !== modality) this.at = { ...this.at, modality, afterId: null };
    const extractor = extractorOf(
      { imageExtractor: this.open.image.id, textExtractor: this.open.text.id },
      modality,
    );
    for (;;) {
      throwIfCancelled(this.context.signal);
      const { afterId } = this.at;
      const items = await this.parts.catalog.items.withoutFeature(extractor, modality, {
        afterId,
        limit: CHUNK,
      });
      const last = items.at(-1)?.id;
      if (last === undefined) return;
      await this.count(items.length, last, await extract(items));
    }
  }

  private async count(items: number, afterId: string, { stored, unreadable }: Batch): Promise<void> {
    const before = this.at.items;
    this.at = {
      ...this.at,
      afterId,
      items: before + items,
      extracted: this.at.extracted + stored,
    };
    await this.context.advance({
      position: this.at,
      done: stored,
      failed: unreadable.length,
      skipped: items - stored - unreadable.length,
      failures: unreadable.map((one, i) => failureOf(one, before + i + 1)),
    });
  }

  private async extractTexts(items: readonly ItemRow[]): Promise<Batch> {
    const texts = items.map((item) => (item.modality === 'TEXT' ? item.text : ''));
    const { text } = this.open;
    const vectors = await text.extract(texts, { background: true, signal: this.context.signal });
    return { stored: await this.store(text.id, items, vectors), unreadable: [] };
  }

  private async extractImages(items: readonly ItemRow[]): Promise<Batch> {
    const limit = pLimit(DECODED_AT_ONCE);
    const unreadable: UnreadableItem[] = [];
    const decoded = await Promise.all(items.map((item) => limit(() => this.decode(item, unreadable))));
    const readable = items.filter((_, i) => decoded[i] !== null);
    const pixels = decoded.filter((one) => one !== null);
    const { image } = this.open;
    const vectors = await image.extract(pixels, { background: true, signal: this.context.signal });
    return { stored: await this.store(image.id, readable, vectors), unreadable };
  }

  /** Null if the image's bytes are missing or cannot be decoded. */
  private async decode(item: ItemRow, unreadable: UnreadableItem[]): Promise<Pixels | null> {
    try {
      const decode = (bytes: Buffer) => decodeRgb(bytes, this.open.image.input);
      return await this.parts.media.use(item.contentHash, decode, this.context.signal);
    } catch (error) {
      if (!(error instanceof CommonspaceError) || error.code === 'CANCELLED' || passes(error)) throw error;
      // An item that was deleted or replaced since it was read is no failure.
      const now = await this.parts.catalog.items.byId(item.id);
      if (now?.contentHash === item.contentHash) unreadable.push({ item, error });
      return null;
    }
  }

  private async store(
    extractor: string,
    items: readonly ItemRow[],
    vectors: readonly Float32Array[],
  ): Promise<number> {
    const late = items.flatMap(({ id: itemId, contentHash }, i) => {
      const vector = vectors[i];
      return vector === undefined ? [] : [{ itemId, contentHash, vector }];
    });
    return await this.parts.catalog.vectorWrites.fillFeatures(extractor, late);
  }
}

/** The number of items that lack a feature of their modality's extractor. */
export async function countLacking(
  catalog: Pick<Catalog, 'items'>,
  { image, text }: { readonly image: string; readonly text: string },
): Promise<number> {
  const [images, texts] = await Promise.all([
    catalog.items.countWithoutFeature(image, 'IMAGE'),
    catalog.items.countWithoutFeature(text, 'TEXT'),
  ]);
  return images + texts;
}

function failureOf({ item, error }: UnreadableItem, ordinal: number): JobFailure {
  const { code, message } = error;
  return { ordinal, reference: item.externalId ?? item.id, code, message, input: { itemId: item.id } };
}
