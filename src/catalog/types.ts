import type { EncoderConfig, EncoderReport, EncoderRequest } from '../domain/encoder-record.js';
import type { EncoderStatus } from '../domain/encoder-status.js';
import type { ItemFilter } from '../domain/filter.js';
import type { JsonObject } from '../domain/json.js';
import type { WordUnit } from '../domain/lexical/read-words.js';
import type { Matrix } from '../domain/matrix.js';
import type { Modality } from '../domain/modality.js';
import type { PictureHash } from '../domain/picture-hash.js';

export type { JsonObject };

interface ItemBase {
  readonly id: string;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly metadata: JsonObject;
  readonly pairId: string | null;
  /** Hex sha256 of the content: of an image's bytes, of a text's UTF-8. */
  readonly contentHash: string;
  readonly createdAt: Date;
}
export interface ImageRow extends ItemBase {
  readonly modality: 'IMAGE';
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
}
export interface TextRow extends ItemBase {
  readonly modality: 'TEXT';
  readonly text: string;
  readonly language: string | null;
}
export type ItemRow = ImageRow | TextRow;

export interface ClassRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

/** A version of the encoder: its state, and the facts that every state has. */
export type EncoderRow = EncoderFacts & EncoderStatus;

export interface EncoderFacts {
  readonly id: string;
  /** Dimension of its embeddings; null before it is trained. */
  readonly dimension: number | null;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  /** Null for an encoder of a version that did not keep requests. */
  readonly request: EncoderRequest | null;
  /** Empty before it is trained. */
  readonly config: EncoderConfig;
  /** Empty before it is measured. */
  readonly report: EncoderReport;
  readonly createdAt: Date;
  /** First start and latest end of the work on it. */
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** Its latest activation and retirement. */
  readonly activatedAt: Date | null;
  readonly retiredAt: Date | null;
}

/** A version that is trained. */
export type TrainedEncoderRow = EncoderRow & { readonly dimension: number };

/** An item to insert, or to replace by its `id`. */
export interface ItemWrite {
  readonly id: string;
  readonly modality: Modality;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly metadata: JsonObject;
  readonly contentHash: string;
  readonly pairKey: string | null;
  /** All classes; null: those of the stored item stay, also if they are renamed meanwhile. */
  readonly classNames: readonly string[] | null;
  /** Of the stored row that the values are based on; null: there was none. Absent: what is stored is replaced in any case. */
  readonly version?: string | null;
  /** `bytes` is the size of the file. An image without hash gets one later; see PictureHashes. */
  readonly image: {
    readonly mediaType: string;
    readonly width: number;
    readonly height: number;
    readonly bytes: number;
    readonly pictureHash: PictureHash | null;
  } | null;
  readonly text: { readonly text: string; readonly language: string | null } | null;
  /** Features to store, by extractor id; an old feature of that extractor is replaced. */
  readonly features: ReadonlyMap<string, Float32Array>;
  /** Ids of the extractors of live encoders that were tried, successfully or not. Absent: none needs to be tried. */
  readonly tried?: ReadonlySet<string>;
  /** Embeddings to store, by encoder id. */
  readonly embeddings: ReadonlyMap<string, Float32Array>;
}

/** A ranking is ordered by similarity descending, then id ascending. */
export interface Hit {
  readonly id: string;
  /** Cosine similarity, −1 to 1; of words, 0 to 1. */
  readonly similarity: number;
}
export interface Ranking {
  readonly hits: readonly Hit[];
  /** True if an approximate index was used, or not every match was compared. */
  readonly approximate: boolean;
}

export interface EmbeddingQuery {
  readonly encoderId: string;
  readonly vector: Float32Array;
  /** Null ranks both modalities together. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  readonly limit: number;
  readonly offset: number;
}
export interface CounterpartQuery {
  /** The extractor of the query's modality. */
  readonly extractor: string;
  readonly vector: Float32Array;
  /** Modality of the query, whose features are compared. */
  readonly queryModality: Modality;
  /** Modality of the items to rank; null ranks both. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  readonly limit: number;
}

/** A text query in words of the catalogue. It holds until items change; a stale one finds less, never wrong items. */
export interface ExpandedWords {
  /** Empty if nothing in the text can be searched for. */
  readonly units: readonly ExpandedUnit[];
}
export interface ExpandedUnit {
  readonly unit: WordUnit;
  /** Inverse document frequency in millionths, 1 at least: what the unit counts beside the others. */
  readonly weight: number;
  /** By similarity descending, the unit's own form first. */
  readonly matches: readonly UnitMatch[];
}
/** A form in which a unit may occur in an item. */
export interface UnitMatch {
  /** E.g. `elephant`, `~en:eleph` (a stem), `ele*`, `striped cat` (a phrase); for display. */
  readonly form: string;
  /** The same as a `tsquery`. */
  readonly tsquery: string;
  /** What an occurrence counts, 0 to 1. */
  readonly similarity: number;
  /** Items that have it, as of the last count. */
  readonly documents: number;
}
export interface WordsQuery {
  /** Null ranks both modalities. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  readonly limit: number;
}

/** Cosine similarities of an item to a query; absent where the item has no vector to compare. */
export interface ItemSimilarities {
  readonly id: string;
  readonly content?: number;
  readonly counterpart?: number;
}

/** The identity by which an item is the same as a stored one: its external id, or else its content within its pair. */
export type ItemIdentity =
  | { readonly externalId: string }
  | { readonly modality: Modality; readonly contentHash: string; readonly pairKey: string | null };

/** A stored item with the values that decide whether an input changes it. */
export interface ExistingItem {
  readonly row: ItemRow;
  /** Of the stored row: every write of the row changes it. */
  readonly version: string;
  readonly pairKey: string | null;
  /** In ascending order. */
  readonly classNames: readonly string[];
}

/** Vectors of some items: row i of the matrix belongs to `ids[i]`. */
export interface VectorChunk {
  readonly ids: readonly string[];
  readonly matrix: Matrix;
}

/** A pair for training: one image item and one text item of the same pair, which both have a feature. */
export interface TrainingPair {
  readonly imageId: string;
  readonly textId: string;
  readonly pairId: string;
  /** Class ids of either item, ascending by class name; empty where neither has a class. */
  readonly classIds: readonly string[];
  /** The items' content hashes. */
  readonly imageHash: string;
  readonly textHash: string;
}

/** The mean of a class's embeddings (not of unit length), and the number of embeddings. */
export interface ClassMean {
  readonly mean: Float32Array;
  readonly count: number;
}

/** An image whose file is stored: of an upload or of an item. */
export interface MediaRow {
  readonly sha256: string;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
}
