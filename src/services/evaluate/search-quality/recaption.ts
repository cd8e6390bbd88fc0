import type { FeatureExtractors } from '../../../features/types.js';
import { pairsOf } from './draw-queries.js';
import type { SampleItem, SourceSample } from './source-sample.js';

/** Another caption and name of a pair; null leaves the pair out. */
export type Recaption = (
  items: readonly SampleItem[],
) => { readonly name: string; readonly text: string; readonly language: string } | null;

export interface Recaptioned {
  readonly sample: SourceSample;
  /** By pair. Queries are made from them; no item has them as its title. */
  readonly names: ReadonlyMap<string, string>;
}

/** A sample whose pairs have these captions instead of their own, and no titles. */
export async function recaptionSample(
  sample: SourceSample,
  features: FeatureExtractors,
  recaption: Recaption,
): Promise<Recaptioned> {
  const pairs = pairsOf(sample.items).flatMap(({ pairId, images, texts }) => {
    const [caption] = texts;
    const made = recaption([...images, ...texts]);
    return caption === undefined || made === null ? [] : [{ pairId, images, caption, ...made }];
  });
  const extracted = await features.extractTexts(
    pairs.map(({ text }) => text),
    { background: true },
  );
  const items = pairs.flatMap(({ images, caption, text, language }, i): SampleItem[] => {
    const feature = extracted[i];
    if (feature === undefined || caption.row.modality !== 'TEXT') return [];
    return [
      ...images.map((item) => ({ ...item, row: { ...item.row, title: null } })),
      {
        ...caption,
        row: { ...caption.row, title: null, text, language },
        feature,
        embedding: sample.active.encoder.embed('TEXT', feature),
      },
    ];
  });
  return { sample: { ...sample, items }, names: new Map(pairs.map(({ pairId, name }) => [pairId, name])) };
}
