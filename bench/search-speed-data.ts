import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type Catalog, openCatalog } from '../src/catalog/catalog.js';
import type { ItemWrite, TrainedEncoderRow } from '../src/catalog/types.js';
import type { PictureHash } from '../src/domain/picture-hash.js';
import { unit } from '../src/domain/vectors.js';
import { randomOf } from '../test/support/catalog-items.js';

/** What synthetic pairs are made from: the pairs of a trained catalogue, with their vectors. */
export interface Base {
  readonly encoder: TrainedEncoderRow;
  readonly weights: Uint8Array;
  readonly pairs: readonly BasePair[];
}

interface BasePair {
  readonly text: string;
  readonly title: string | null;
  readonly classNames: readonly string[];
  readonly image: Vectors;
  readonly caption: Vectors;
}

interface Vectors {
  readonly feature: Float32Array;
  readonly embedding: Float32Array;
}

/** Share of another pair's vector that is added: copies of one pair stay near it, and no two are equal. */
const JITTER = 0.6;
const PAIRS_AT_ONCE = 250;

/** Reads the trained catalogue in a data folder that no process uses. */
export async function readBase(dataDir: string): Promise<Base> {
  const catalog = await openCatalog({ dataDir });
  try {
    const encoder = await catalog.encoders.active();
    if (encoder === null) throw new Error(`${dataDir} has no active encoder: run \`npm run demo -- --exit\``);
    const { imageExtractor, textExtractor } = encoder;
    const rows = await catalog.vectors.trainingPairs(imageExtractor, textExtractor);
    const vectors = async (ids: readonly string[], extractor: string) => {
      const features = await catalog.vectors.featuresFor(ids, extractor);
      const embeddings = await catalog.vectors.embeddingsByIds(encoder.id, ids);
      return (id: string): Vectors => ({ feature: of(features, id), embedding: of(embeddings, id) });
    };
    const image = await vectors(
      rows.map((row) => row.imageId),
      imageExtractor,
    );
    const caption = await vectors(
      rows.map((row) => row.textId),
      textExtractor,
    );
    const texts = new Map(
      (await catalog.items.byIds(rows.map((row) => row.textId))).map((item) => [item.id, item]),
    );
    const names = new Map((await catalog.classes.all()).map((row) => [row.id, row.name]));
    const pairs = rows.map(({ imageId, textId, classIds }) => {
      const item = texts.get(textId);
      return {
        text: item?.modality === 'TEXT' ? item.text : '',
        title: item?.title ?? null,
        classNames: classIds.map((id) => names.get(id) ?? ''),
        image: image(imageId),
        caption: caption(textId),
      };
    });
    return { encoder, weights: await catalog.encoders.weights(encoder.id), pairs };
  } finally {
    await catalog.close();
  }
}

function of(vectors: ReadonlyMap<string, Float32Array>, id: string): Float32Array {
  const vector = vectors.get(id);
  if (vector === undefined) throw new Error(`item ${id} lacks a vector`);
  return vector;
}

/** Makes and stores pairs, the same ones in each run. */
export class Synthetic {
  private readonly random = randomOf(18);
  private stored = 0;

  constructor(
    private readonly base: Base,
    private readonly catalog: Catalog,
  ) {}

  async begin(): Promise<void> {
    const { encoder, weights } = this.base;
    const { id, dimension, imageExtractor, textExtractor, config, report } = encoder;
    await this.catalog.encoders.create(
      { id, dimension, imageExtractor, textExtractor, config, report },
      weights,
    );
    await this.catalog.encoders.activate(id);
  }

  /** Stores pairs until there are `pairs`; those beyond `features` have embeddings alone. */
  async growTo(pairs: number, features: number, onProgress: (done: number) => void): Promise<void> {
    while (this.stored < pairs) {
      const until = Math.min(pairs, this.stored + PAIRS_AT_ONCE);
      const writes: ItemWrite[] = [];
      for (; this.stored < until; this.stored += 1)
        writes.push(...this.pair(this.stored, this.stored < features));
      await this.catalog.items.upsertMany(writes);
      onProgress(this.stored);
    }
  }

  /** A query near the pairs, of the common space. */
  query(): Float32Array {
    const [a, b] = [this.any(), this.any()];
    return this.mixed(a.caption.embedding, b.caption.embedding);
  }

  /** A few words that occur in the captions. */
  queryText(): string {
    const words = `${this.any().text} ${this.any().text}`
      .split(/[^\p{L}\p{N}]+/u)
      .filter((word) => word.length > 2);
    const word = () => words[Math.floor(this.random() * words.length)] ?? 'cat';
    return `${word()} ${word()} ${word()}`;
  }

  private pair(n: number, withFeatures: boolean): ItemWrite[] {
    const { encoder, pairs } = this.base;
    const [own, other] = [pairs[n % pairs.length] ?? this.any(), this.any()];
    // Clusters of the filtered items would be easier for an index than filters are in practice.
    const metadata = { bucket: Math.floor(this.random() * 10), n };
    const write = (modality: 'IMAGE' | 'TEXT', ownVectors: Vectors, others: Vectors): ItemWrite => ({
      id: uuidv7(),
      modality,
      externalId: `${modality} ${n}`,
      title: own.title,
      metadata,
      contentHash: createHash('sha256').update(`${modality} ${n}`).digest('hex'),
      pairKey: `pair ${n}`,
      classNames: own.classNames,
      image:
        modality === 'IMAGE'
          ? { mediaType: 'image/png', width: 64, height: 64, bytes: 1, pictureHash: this.pictureHash() }
          : null,
      text: modality === 'TEXT' ? { text: `${own.text}, ${n}`, language: 'en' } : null,
      features: withFeatures
        ? new Map([
            [
              modality === 'IMAGE' ? encoder.imageExtractor : encoder.textExtractor,
              this.mixed(ownVectors.feature, others.feature),
            ],
          ])
        : new Map(),
      embeddings: new Map([[encoder.id, this.mixed(ownVectors.embedding, others.embedding)]]),
    });
    return [write('IMAGE', own.image, other.image), write('TEXT', own.caption, other.caption)];
  }

  /** Without one, the server would look for the pictures' files meanwhile. */
  private pictureHash(): PictureHash {
    const detail = Uint8Array.from({ length: 64 }, () => 256 * this.random());
    return { hash: new DataView(detail.buffer).getBigInt64(0), detail };
  }

  private any(): BasePair {
    return this.base.pairs[Math.floor(this.random() * this.base.pairs.length)] as BasePair;
  }

  private mixed(a: Float32Array, b: Float32Array): Float32Array {
    const weight = JITTER * this.random();
    return unit(a.map((x, i) => x + weight * (b[i] ?? 0)));
  }
}
