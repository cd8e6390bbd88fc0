import pLimit from 'p-limit';
import { throwIfCancelled } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type {
  FeatureExtractors,
  OpenImageExtractor,
  OpenTextExtractor,
  Pixels,
} from '../../features/types.js';
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
   * returned as they are. An error of a configured extractor fails the items that it was to extract.
   */
  async extract(
    items: readonly PreparedItem[],
    snapshot: IngestSnapshot,
    call: IngestCall,
  ): Promise<StepResult<PreparedItem>> {
    const changed = items.filter((item) => hasNewContent(item, snapshot));
    const results = await Promise.all([
      ...snapshot.textExtractors.map((extractor) =>
        this.extractTexts(extractor, lacking(changed, 'TEXT', extractor.id), call),
      ),
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

  private async extractTexts(
    extractor: OpenTextExtractor,
    texts: readonly Prepared<'TEXT'>[],
    call: IngestCall,
  ): Promise<Extracted> {
    const sources = texts.map(({ text }) => text);
    const extract = () => extractor.extract(sources, { signal: call.signal });
    const failsItems = extractor.id === this.features.text.id;
    return await extractFor(extractor.id, texts, { call, failsItems }, extract);
  }

  private async extractImages(
    extractor: OpenImageExtractor,
    images: readonly Prepared<'IMAGE'>[],
    call: IngestCall,
  ): Promise<Extracted> {
    const extract = async () =>
      extractor.extract(await this.pixelsFor(extractor, images), { signal: call.signal });
    const failsItems = extractor.id === this.features.image.id;
    return await extractFor(extractor.id, images, { call, failsItems }, extract);
  }

  private async pixelsFor(
    { input }: OpenImageExtractor,
    images: readonly Prepared<'IMAGE'>[],
  ): Promise<Pixels[]> {
    const { width, height, fit, kernel } = this.features.image.input;
    const same = input.width === width && input.height === height && input.fit === fit;
    if (same && input.kernel === kernel) {
      return images.map(({ pixels }) => pixels);
    }
    const limit = pLimit(DECODED_AT_ONCE);
    return await Promise.all(images.map(({ held }) => limit(() => decodeRgb(held.path, input))));
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

/**
 * Extracts the features of some items. An error of the configured extractor fails the items; those of another encoder's extractor
 * are left without a feature, which `Upkeep` extracts later.
 */
async function extractFor(
  extractor: string,
  items: readonly PreparedItem[],
  { call, failsItems }: { readonly call: IngestCall; readonly failsItems: boolean },
  extract: () => Promise<readonly Float32Array[]>,
): Promise<Extracted> {
  try {
    return extracted(extractor, items, items.length === 0 ? [] : await extract());
  } catch (error) {
    if (failsItems) {
      const indices = items.map(({ index }) => index);
      return { extractor, features: new Map(), outcomes: failed(call, indices, error) };
    }
    throwIfCancelled(call.signal);
    call.reportUnexpected(error);
    return extracted(extractor, [], []);
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
