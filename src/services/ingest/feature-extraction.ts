import pLimit from 'p-limit';
import { throwIfCancelled } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type { FeatureExtractors, OpenImageExtractor, Pixels } from '../../features/types.js';
import { decodeRgb } from '../../media/decode.js';
import { failed, type IngestCall, type InputOutcome, type StepResult } from './ingest-outcome.js';
import type { PreparedItem } from './ingest-preparation.js';
import { hasNewContent, type IngestSnapshot } from './ingest-snapshot.js';

/** Images decoded at once for an extractor that wants another size than the configured one. */
const DECODED_AT_ONCE = 8;

type Prepared<M extends Modality> = Extract<PreparedItem, { modality: M }>;

/** What one extractor made of some items: a feature each, or a failure each. */
interface Extracted {
  readonly extractor: string;
  /** By the item's index. */
  readonly features: ReadonlyMap<number, Float32Array>;
  readonly outcomes: readonly InputOutcome[];
}

/** The second step of ingest: extracts the features that items lack. */
export class FeatureExtraction {
  constructor(private readonly features: FeatureExtractors) {}

  /**
   * Items with new content get a feature of each extractor of their modality that they have none of yet; the others are
   * returned as they are. An error of the text extractor or of the configured image extractor fails the items that it was
   * to extract.
   */
  async extract(
    items: readonly PreparedItem[],
    snapshot: IngestSnapshot,
    call: IngestCall,
  ): Promise<StepResult<PreparedItem>> {
    const changed = items.filter((item) => hasNewContent(item, snapshot));
    const results = await Promise.all([
      this.extractTexts(lacking(changed, 'TEXT', this.features.text.id), call),
      ...snapshot.imageExtractors.map((extractor) =>
        this.extractImages(extractor, lacking(changed, 'IMAGE', extractor.id), call),
      ),
    ]);
    const outcomes = results.flatMap((result) => result.outcomes);
    const done = new Set(outcomes.map(({ index }) => index));
    return {
      items: items.filter(({ index }) => !done.has(index)).map((item) => withFeatures(item, results)),
      outcomes,
    };
  }

  private async extractTexts(texts: readonly Prepared<'TEXT'>[], call: IngestCall): Promise<Extracted> {
    const { id } = this.features.text;
    const sources = texts.map(({ text }) => text);
    const extract = () => this.features.extractTexts(sources, { signal: call.signal });
    return await extractAll(id, texts, call, extract);
  }

  private async extractImages(
    extractor: OpenImageExtractor,
    images: readonly Prepared<'IMAGE'>[],
    call: IngestCall,
  ): Promise<Extracted> {
    const extract = async () =>
      extractor.extract(await this.pixelsFor(extractor, images), { signal: call.signal });
    if (extractor.id === this.features.image.id) return await extractAll(extractor.id, images, call, extract);
    try {
      return extracted(extractor.id, images, images.length === 0 ? [] : await extract());
    } catch (error) {
      // An error of another encoder's extractor does not fail the items: `Upkeep` extracts these features later.
      throwIfCancelled(call.signal);
      call.reportUnexpected(error);
      return extracted(extractor.id, [], []);
    }
  }

  private async pixelsFor(
    { input }: OpenImageExtractor,
    images: readonly Prepared<'IMAGE'>[],
  ): Promise<Pixels[]> {
    const { width, height, fit } = this.features.image.input;
    if (input.width === width && input.height === height && input.fit === fit) {
      return images.map(({ pixels }) => pixels);
    }
    const limit = pLimit(DECODED_AT_ONCE);
    return await Promise.all(images.map(({ bytes }) => limit(() => decodeRgb(bytes, input))));
  }
}

function lacking<M extends Modality>(
  items: readonly PreparedItem[],
  modality: M,
  extractor: string,
): Prepared<M>[] {
  return items.filter(
    (item): item is Prepared<M> => item.modality === modality && !item.features.has(extractor),
  );
}

async function extractAll(
  extractor: string,
  items: readonly PreparedItem[],
  call: IngestCall,
  extract: () => Promise<readonly Float32Array[]>,
): Promise<Extracted> {
  try {
    return extracted(extractor, items, items.length === 0 ? [] : await extract());
  } catch (error) {
    const indices = items.map(({ index }) => index);
    return { extractor, features: new Map(), outcomes: failed(call, indices, error) };
  }
}

function extracted(
  extractor: string,
  items: readonly PreparedItem[],
  features: readonly Float32Array[],
): Extracted {
  return {
    extractor,
    features: new Map(features.map((feature, i) => [items[i]?.index ?? -1, feature])),
    outcomes: [],
  };
}

function withFeatures(item: PreparedItem, results: readonly Extracted[]): PreparedItem {
  const added = results.flatMap(({ extractor, features }) => {
    const feature = features.get(item.index);
    return feature === undefined ? [] : [[extractor, feature] as const];
  });
  return added.length === 0 ? item : { ...item, features: new Map([...item.features, ...added]) };
}
