import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type { FeatureExtractors, OpenImageExtractor, Pixels } from '../../features/types.js';
import { checkAndDecode, decodeRgb } from '../../media/decode.js';
import type { MediaStore } from '../../media/media-store.js';
import type { StoredImage } from '../../media/types.js';
import type { ImageSources } from '../serving/image-source.js';
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
      /** In the size that the configured extractor wants. */
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
    private readonly reportUnexpected: ReportUnexpected,
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

  /**
   * Adds to the features of items, by index of the input, what these extractors make of them and is not there yet. What
   * the text extractor or the configured image extractor fails at is answered for.
   */
  async extract(
    items: readonly PreparedItem[],
    imageExtractors: readonly OpenImageExtractor[],
    answers: Answers,
    features: Map<number, Map<string, Float32Array>>,
  ): Promise<void> {
    const add: AddFeatures = (extractor, of, extracted) => {
      extracted?.forEach((feature, i) => {
        const index = of[i]?.index ?? -1;
        features.set(index, (features.get(index) ?? new Map()).set(extractor, feature));
      });
    };
    const lacking = <M extends Modality>(modality: M, extractor: string) =>
      items.filter(
        (item): item is Prepared<M> =>
          item.modality === modality && features.get(item.index)?.has(extractor) !== true,
      );
    await Promise.all([
      this.extractTexts(lacking('TEXT', this.features.text.id), answers, add),
      ...imageExtractors.map((extractor) =>
        this.extractImages(extractor, lacking('IMAGE', extractor.id), answers, add),
      ),
    ]);
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
    const { signal } = answers;
    const extract = () => this.features.extractTexts(sources, { signal });
    add(this.features.text.id, texts, await answers.attemptAll(texts, extract));
  }

  private async extractImages(
    extractor: OpenImageExtractor,
    pictures: readonly Prepared<'IMAGE'>[],
    answers: Answers,
    add: AddFeatures,
  ): Promise<void> {
    if (pictures.length === 0) return;
    const { signal } = answers;
    const extract = async () => extractor.extract(await this.pixelsFor(extractor, pictures), { signal });
    if (extractor.id === this.features.image.id) {
      add(extractor.id, pictures, await answers.attemptAll(pictures, extract));
      return;
    }
    try {
      add(extractor.id, pictures, await extract());
    } catch (error) {
      // Whoever stores a picture is not to blame for the extractor of some encoder, which may be mended later.
      answers.throwIfCancelled();
      this.reportUnexpected(error);
    }
  }

  private async pixelsFor(
    { input }: OpenImageExtractor,
    pictures: readonly Prepared<'IMAGE'>[],
  ): Promise<Pixels[]> {
    const { width, height, fit } = this.features.image.input;
    if (input.width === width && input.height === height && input.fit === fit) {
      return pictures.map(({ pixels }) => pixels);
    }
    const limit = pLimit(SOURCES_AT_ONCE);
    return await Promise.all(pictures.map(({ bytes }) => limit(() => decodeRgb(bytes, input))));
  }
}

type Prepared<M extends Modality> = Extract<PreparedItem, { modality: M }>;
type AddFeatures = (
  extractor: string,
  of: readonly { readonly index: number }[],
  extracted: readonly Float32Array[] | null,
) => void;
