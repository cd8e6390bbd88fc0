/** Texts whose features are kept: about a megabyte. */
const KEPT = 256;

/**
 * The features of the texts asked for last. An extractor gives the same feature for the same text every time, and people
 * page through results: their second page should not wait for the extractor again.
 */
export class RecentTexts {
  private readonly features = new Map<string, Float32Array>();

  /** The feature of a text, extracted where it is not at hand; what fails or is cancelled is not kept. */
  async get(text: string, extract: () => Promise<Float32Array>): Promise<Float32Array> {
    const known = this.features.get(text);
    if (known !== undefined) {
      // To the end of the line: the first in it is the one used longest ago.
      this.features.delete(text);
      this.features.set(text, known);
      return known;
    }
    const feature = await extract();
    this.features.set(text, feature);
    const [oldest] = this.features.keys();
    if (this.features.size > KEPT && oldest !== undefined) this.features.delete(oldest);
    return feature;
  }
}
