import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { CommonspaceError } from '../domain/errors.js';
import type { Modality } from '../domain/modality.js';
import type { FeatureExtractors, Pixels } from '../features/types.js';
import { checkAndDecode } from '../media/decode.js';
import type { MediaStore } from '../media/media-store.js';
import type { StoredImage } from '../media/types.js';
import type { ImageSources } from './image-source.js';
import type { Answers } from './ingest-answers.js';
import { checkIngestInput, type IngestInput } from './ingest-input.js';

/** An input whose content is at hand and proved readable. */
export type PreparedItem = {
  readonly index: number;
  readonly input: IngestInput;
  /** Hex sha256 of the content. */
  readonly contentHash: string;
} & (
  | { readonly modality: 'TEXT'; readonly text: string }
  | {
      readonly modality: 'IMAGE';
      readonly image: StoredImage;
      readonly bytes: Buffer;
      /** In the size that the extractor wants. */
      readonly pixels: Pixels;
    }
);

/** Pictures fetched, stored or decoded at once within a chunk. */
const SOURCES_AT_ONCE = 8;

/** The first half of ingest: from what callers send to content at hand, and from content to features. */
export class IngestPreparation {
  constructor(
    private readonly media: MediaStore,
    private readonly features: FeatureExtractors,
    private readonly images: ImageSources,
  ) {}

  /** Checks inputs, gets their bytes, stores pictures. What fails is answered for; the rest is returned, in order. */
  async prepare(inputs: readonly IngestInput[], start: number, answers: Answers): Promise<PreparedItem[]> {
    const limit = pLimit(SOURCES_AT_ONCE);
    const prepared = await Promise.all(
      inputs.map((input, i) =>
        limit(() =>
          answers.attempt(start + i, async (field) => {
            checkIngestInput(input, field);
            return await this.prepareOne(input, start + i, [...field, 'content'], answers.signal);
          }),
        ),
      ),
    );
    return prepared.filter((item) => item !== null);
  }

  /** Features by index of the input. What cannot be decoded or extracted is answered for. */
  async extract(items: readonly PreparedItem[], answers: Answers): Promise<Map<number, Float32Array>> {
    const features = new Map<number, Float32Array>();
    const add = (of: readonly { readonly index: number }[], extracted: readonly Float32Array[] | null) => {
      extracted?.forEach((feature, i) => {
        const index = of[i]?.index;
        if (index !== undefined) features.set(index, feature);
      });
    };
    const texts = items.filter((item) => item.modality === 'TEXT');
    const pictures = items.filter((item) => item.modality === 'IMAGE');
    await Promise.all([this.extractTexts(texts, answers, add), this.extractImages(pictures, answers, add)]);
    return features;
  }

  private async prepareOne(
    input: IngestInput,
    index: number,
    field: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<PreparedItem> {
    const { content } = input;
    if ('text' in content) {
      const contentHash = createHash('sha256').update(content.text).digest('hex');
      return { index, input, modality: 'TEXT', contentHash, text: content.text };
    }
    const bytes = await this.images.bytes(content, field, signal);
    const [source = 'bytes'] = Object.keys(content);
    try {
      const { image, rgb } = await checkAndDecode(bytes, this.features.image.input);
      const stored = await this.media.put(image);
      return {
        index,
        input,
        modality: 'IMAGE',
        contentHash: stored.sha256,
        image: stored,
        bytes,
        pixels: rgb,
      };
    } catch (error) {
      throw error instanceof CommonspaceError ? error.at([...field, source]) : error;
    }
  }

  private async extractTexts(
    texts: readonly Prepared<'TEXT'>[],
    answers: Answers,
    add: AddFeatures,
  ): Promise<void> {
    if (texts.length === 0) return;
    const sources = texts.map(({ text }) => text);
    add(texts, await answers.attemptAll(texts, () => this.features.extractTexts(sources, answers.signal)));
  }

  private async extractImages(
    pictures: readonly Prepared<'IMAGE'>[],
    answers: Answers,
    add: AddFeatures,
  ): Promise<void> {
    if (pictures.length === 0) return;
    const sources = pictures.map(({ pixels }) => pixels);
    add(
      pictures,
      await answers.attemptAll(pictures, () => this.features.extractImages(sources, answers.signal)),
    );
  }
}

type Prepared<M extends Modality> = Extract<PreparedItem, { modality: M }>;
type AddFeatures = (
  of: readonly { readonly index: number }[],
  extracted: readonly Float32Array[] | null,
) => void;
