import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { CommonspaceError } from '../../domain/errors.js';
import { hashPicture, type PictureHash } from '../../domain/picture-hash.js';
import type { FeatureExtractors, Pixels } from '../../features/types.js';
import { checkAndDecode } from '../../media/decode.js';
import type { HeldFile } from '../../media/files.js';
import type { MediaStore } from '../../media/media-store.js';
import type { StoredImage } from '../../media/types.js';
import type { ImageSources } from '../serving/image-source.js';
import { checkIngestInput, type IngestInput } from './ingest-input.js';
import { failed, fieldOf, type IngestCall, type StepResult } from './ingest-outcome.js';

/** An input of a call, with its index in the call. */
export interface IndexedInput {
  readonly index: number;
  readonly input: IngestInput;
}

/** Features of one item, by extractor id. */
export type ItemFeatures = ReadonlyMap<string, Float32Array>;

/** An input whose content was read and checked. */
export type PreparedItem = IndexedInput & {
  /** Hex sha256 of the content. */
  readonly contentHash: string;
  /** Features extracted so far. */
  readonly features: ItemFeatures;
} & (
    | { readonly modality: 'TEXT'; readonly text: string }
    | {
        readonly modality: 'IMAGE';
        readonly image: StoredImage;
        /** The stored bytes, until the item is written. */
        readonly held: HeldFile;
        /** In the size that the configured extractor wants. */
        readonly pixels: Pixels;
        readonly pictureHash: PictureHash;
      }
  );

/** Images fetched, stored or decoded at once within a chunk. */
const SOURCES_AT_ONCE = 8;

const NO_FEATURES: ItemFeatures = new Map();

/** The first step of ingest: checks inputs, reads their content, stores the files of images. */
export class IngestPreparation {
  constructor(
    private readonly media: MediaStore,
    private readonly features: FeatureExtractors,
    private readonly images: ImageSources,
  ) {}

  /** Each input is prepared or fails by itself. The caller releases the files of the prepared images. */
  async prepare(inputs: readonly IndexedInput[], call: IngestCall): Promise<StepResult<PreparedItem>> {
    const limit = pLimit(SOURCES_AT_ONCE);
    const settled = await Promise.allSettled(
      inputs.map((input) =>
        limit(async (): Promise<StepResult<PreparedItem>> => {
          try {
            return { items: [await this.prepareOne(input, call)], outcomes: [] };
          } catch (error) {
            return { items: [], outcomes: failed(call, [input.index], error) };
          }
        }),
      ),
    );
    const results = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failure = settled.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      await releaseFiles(results.flatMap(({ items }) => items));
      throw failure.reason;
    }
    return {
      items: results.flatMap(({ items }) => items),
      outcomes: results.flatMap(({ outcomes }) => outcomes),
    };
  }

  private async prepareOne(given: IndexedInput, call: IngestCall): Promise<PreparedItem> {
    const { content } = given.input;
    checkIngestInput(given.input, fieldOf(call, given.index));
    if ('text' in content) {
      const contentHash = createHash('sha256').update(content.text).digest('hex');
      return { ...given, modality: 'TEXT', contentHash, text: content.text, features: NO_FEATURES };
    }
    const field = [...fieldOf(call, given.index), 'content'];
    const [source = 'bytes'] = Object.keys(content);
    return await this.images.use(content, field, call, async (bytes) => {
      try {
        const { image, rgb, hashed } = await checkAndDecode(bytes, this.features.image.input);
        const { stored, held } = await this.media.putHeld(image);
        return {
          ...given,
          modality: 'IMAGE',
          contentHash: stored.sha256,
          image: stored,
          held,
          pixels: rgb,
          pictureHash: hashPicture(hashed.data),
          features: NO_FEATURES,
        };
      } catch (error) {
        throw error instanceof CommonspaceError ? error.at([...field, source]) : error;
      }
    });
  }
}

/** Call it when the items are written, or are not to be. */
export async function releaseFiles(items: readonly PreparedItem[]): Promise<void> {
  await Promise.all(items.map((item) => (item.modality === 'IMAGE' ? item.held.release() : null)));
}
