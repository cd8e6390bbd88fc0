import { createHash } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { OpenTextExtractor } from '../../../features/types.js';
import { pairsOf } from './draw-queries.js';
import type { SampleItem, SourceSample } from './source-sample.js';

/** Other captions and another name of a pair; null leaves the pair out. */
export type Recaption = (
  items: readonly SampleItem[],
) => { readonly name: string; readonly texts: readonly string[]; readonly language: string } | null;

export interface Recaptioned {
  readonly sample: SourceSample;
  /** By pair. Queries are made from them; no item has them as its title. */
  readonly names: ReadonlyMap<string, string>;
}

/** A sample whose pairs have these captions instead of their own, and no titles. */
export async function recaptionSample(
  sample: SourceSample,
  extractor: OpenTextExtractor,
  recaption: Recaption,
): Promise<Recaptioned> {
  const pairs = pairsOf(sample.items).flatMap(({ pairId, images, texts }) => {
    const [caption] = texts;
    const made = recaption([...images, ...texts]);
    return caption === undefined || made === null ? [] : [{ pairId, images, caption, ...made }];
  });
  const captions = pairs.flatMap(({ caption, texts, language }) =>
    texts.map((text, n) => ({ caption, text, language, n })),
  );
  const extracted = await extractor.extract(
    captions.map(({ text }) => text),
    { background: true },
  );
  const images = pairs
    .flatMap((pair) => pair.images)
    .map((item) => ({ ...item, row: { ...item.row, title: null } }));
  const texts = captions.flatMap(({ caption, text, language, n }, i): SampleItem[] => {
    const feature = extracted[i];
    if (feature === undefined || caption.row.modality !== 'TEXT') return [];
    const row = { ...caption.row, title: null, text, language };
    const contentHash = createHash('sha256').update(text).digest('hex');
    return [
      {
        ...caption,
        row: n === 0 ? row : { ...row, id: uuidv5(String(n), caption.row.id), contentHash },
        feature,
        embedding: sample.active.encoder.embed('TEXT', feature),
      },
    ];
  });
  return {
    sample: { ...sample, items: [...images, ...texts] },
    names: new Map(pairs.map(({ pairId, name }) => [pairId, name])),
  };
}
