import { LRUCache } from 'lru-cache';
import { observe } from '../../domain/observations.js';

/** Texts whose features are kept: about a megabyte. */
const CAPACITY = 256;

/**
 * The features of recent text queries. An extractor gives the same feature for the same text, so the second page of a
 * search needs no extraction.
 */
export class RecentTexts {
  private readonly features = new LRUCache<string, Float32Array>({ max: CAPACITY });

  /** The feature of a text by an extractor, extracted if it is not cached. A failed or cancelled extraction is not cached. */
  async get(extractor: string, text: string, extract: () => Promise<Float32Array>): Promise<Float32Array> {
    const key = `${extractor}\n${text}`;
    const cached = this.features.get(key);
    observe({ kind: 'cache', cache: 'query texts', hit: cached !== undefined });
    if (cached !== undefined) return cached;
    const feature = await extract();
    this.features.set(key, feature);
    return feature;
  }
}
