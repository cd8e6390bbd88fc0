import type { Catalog } from '../../catalog/catalog.js';
import type { ExpandedWords } from '../../catalog/types.js';
import { checkStorable, checkText, isStorable } from '../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import type { Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import { decodeRgb } from '../../media/decode.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';
import type { ClassPrototypes } from '../serving/class-prototypes.js';
import type { Extractors } from '../serving/extractors-in-use.js';
import type { ImageSource, ImageSources } from '../serving/image-source.js';
import { RecentTexts } from './recent-texts.js';

/** A query of a caller: exactly one field is set. */
export type SearchQuery =
  | { readonly text: string }
  | { readonly itemId: string }
  | { readonly className: string }
  | { readonly vector: readonly number[] }
  | ImageSource;

/** A query as vectors. */
export type ReadQuery = {
  /** In the common space; null without an encoder that can read the query. */
  readonly embedding: Float32Array | null;
  /** The words of a text. It has no units if the query has no words or if the caller does not ask for words. */
  readonly words: ExpandedWords;
} & (
  | {
      readonly modality: Modality;
      /** Id of the extractor for this modality. */
      readonly extractor: string;
      /** Of that extractor; null if the item has none. */
      readonly feature: Float32Array | null;
    }
  /** A vector of the common space. */
  | { readonly modality: null }
);

const FIELD: FieldPath = ['query'];

const NO_WORDS: ExpandedWords = { units: [] };

interface ReadOptions extends RequestScope {
  /** Looks the words of the query up in the catalogue. */
  readonly words?: boolean;
  /** Where the query stands in the input, for errors. */
  readonly field?: FieldPath;
}

/** Turns a query of any kind into vectors that can be compared. */
export class QueryReader {
  private readonly recent = new RecentTexts();

  constructor(
    private readonly catalog: Catalog,
    private readonly images: ImageSources,
    private readonly extractors: Extractors,
    private readonly prototypes: ClassPrototypes,
  ) {}

  /**
   * @param active the encoder to embed with, null before any training. A promise lets the extraction run meanwhile.
   * @throws CommonspaceError naming the wrong field of the query; EXTRACTOR_MISSING if the encoder's extractor
   *   for the query cannot be opened.
   */
  async read(
    query: SearchQuery,
    active: LoadedEncoder | null | Promise<LoadedEncoder | null>,
    { words = false, field = FIELD, ...scope }: ReadOptions = {},
  ): Promise<ReadQuery> {
    if ('vector' in query) {
      return { modality: null, embedding: readVector(query.vector, await active, field), words: NO_WORDS };
    }
    if ('itemId' in query) return await this.readItem(query.itemId, await active, words, field);
    if ('className' in query) return await this.readClass(query.className, await active, words, field);
    if (!('text' in query)) return await this.readImage(query, active, field, scope);
    checkText(query.text, LIMITS.textCharacters, [...field, 'text']);
    const [{ feature, extractor, current }, expanded] = await Promise.all([
      this.readText(query.text, active, scope.signal),
      this.wordsOf(words ? query.text : null),
    ]);
    const embedding = current === null ? null : current.encoder.embed('TEXT', feature);
    return { modality: 'TEXT', feature, extractor, embedding, words: expanded };
  }

  private async wordsOf(text: string | null): Promise<ExpandedWords> {
    // A text that cannot be stored is refused by the check of its feature.
    return text === null || !isStorable(text) ? NO_WORDS : await this.catalog.words.expand(text);
  }

  /** Extracts by the text extractor of the encoder, so that the feature is comparable with those of its training. */
  private async readText(
    text: string,
    active: LoadedEncoder | null | Promise<LoadedEncoder | null>,
    signal?: AbortSignal,
  ) {
    const current = await active;
    const extractor = await this.extractors.texts.of(current?.row ?? null);
    const feature = await this.recent.get(extractor.id, text, async () =>
      only(await extractor.extract([text], { signal })),
    );
    return { feature, extractor: extractor.id, current };
  }

  /** Extracts by the image extractor of the encoder, so that the feature is comparable with those of its training. */
  private async readImage(
    source: ImageSource,
    active: LoadedEncoder | null | Promise<LoadedEncoder | null>,
    field: FieldPath,
    scope: RequestScope,
  ): Promise<ReadQuery> {
    const current = await active;
    const extractor = await this.extractors.images.of(current?.row ?? null);
    const pixels = await this.images.use(source, field, scope, (bytes) => decodeRgb(bytes, extractor.input));
    const feature = only(await extractor.extract([pixels], { signal: scope.signal }));
    const embedding = current === null ? null : current.encoder.embed('IMAGE', feature);
    return { modality: 'IMAGE', feature, extractor: extractor.id, embedding, words: NO_WORDS };
  }

  /** The embedding of a class is its prototype; its feature is that of its name and description. */
  private async readClass(
    name: string,
    active: LoadedEncoder | null,
    words: boolean,
    part: FieldPath,
  ): Promise<ReadQuery> {
    const field = [...part, 'className'];
    checkStorable(name, field);
    const rows = await this.catalog.classes.byNames([name]);
    const [row] = rows;
    if (row === undefined) {
      throw new CommonspaceError('UNKNOWN_CLASS', `No class has the name "${name}".`, field);
    }
    const features = await this.prototypes.ensureFeatures(rows, active?.row ?? null);
    const prototype = active === null ? undefined : (await this.prototypes.of(rows, active))[0]?.vector;
    // Zeros: the class has no items and the encoder cannot read the feature of its name.
    const embedding = prototype?.some((x) => x !== 0) ? prototype : null;
    const feature = features.get(row.id) ?? null;
    const expanded = await this.wordsOf(words ? name : null);
    const extractor = active?.row.textExtractor ?? this.extractors.texts.byDefault.id;
    return { modality: 'TEXT', feature, extractor, embedding, words: expanded };
  }

  private async readItem(
    id: string,
    active: LoadedEncoder | null,
    words: boolean,
    field: FieldPath,
  ): Promise<ReadQuery> {
    const item = isUuid(id) ? await this.catalog.items.byId(id) : null;
    if (item === null) {
      throw new CommonspaceError('ITEM_NOT_FOUND', 'No item has this id.', [...field, 'itemId']);
    }
    const { images, texts } = this.extractors;
    const image = active?.row.imageExtractor ?? images.byDefault.id;
    const text = active?.row.textExtractor ?? texts.byDefault.id;
    const extractor = item.modality === 'IMAGE' ? image : text;
    const [feature, embedding, expanded] = await Promise.all([
      this.catalog.vectors.itemFeature(id, extractor),
      active === null ? null : this.catalog.vectors.itemEmbedding(active.row.id, id),
      this.wordsOf(words && item.modality === 'TEXT' ? item.text : null),
    ]);
    return { modality: item.modality, feature, extractor, embedding, words: expanded };
  }
}

function only(features: readonly Float32Array[]): Float32Array {
  const [feature] = features;
  if (feature === undefined) throw new Error('the extractor gave no feature');
  return feature;
}

function readVector(
  values: readonly number[],
  active: LoadedEncoder | null,
  part: FieldPath,
): Float32Array | null {
  if (active === null) return null;
  const field = [...part, 'vector'];
  if (values.length !== active.row.dimension) {
    throw new CommonspaceError(
      'WRONG_DIMENSION',
      `The vector has ${values.length} numbers; the encoder's space has ${active.row.dimension}.`,
      field,
    );
  }
  const vector = Float32Array.from(values);
  if (!vector.every(Number.isFinite) || vector.every((x) => x === 0)) {
    throw new CommonspaceError('BAD_INPUT', 'The vector must be finite and not all zeros.', field);
  }
  return unit(vector);
}
