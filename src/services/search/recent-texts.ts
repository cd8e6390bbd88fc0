import { LRUCache } from 'lru-cache';

/** Texts whose features are kept: about a megabyte. */
const CAPACITY = 256;

/**
 * The features of recent text queries. An extractor gives the same feature for the same text, so the second page of a
 * search needs no extraction.
 */
export class RecentTexts {
  private readonly features = new LRUCache<string, Float32Array>({ max: CAPACITY });

  /** The feature of a text, extracted if it is not cached. A failed or cancelled extraction is not cached. */
  async get(text: string, extract: () => Promise<Float32Array>): Promise<Float32Array> {
    const cached = this.features.get(text);
    if (cached !== undefined) return cached;
    const feature = await extract();
    this.features.set(text, feature);
    return feature;
  }
}
