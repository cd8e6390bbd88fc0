import type { ItemFilter } from '../domain/filter.js';
import type { Modality } from '../domain/modality.js';

export type JsonObject = { readonly [key: string]: unknown };

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

export type EncoderState = 'ready' | 'active' | 'retired';
export interface EncoderRow {
  readonly id: string;
  readonly state: EncoderState;
  readonly dimension: number;
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly config: JsonObject;
  readonly report: JsonObject;
  readonly createdAt: Date;
}

/** What an item is to become; the write is an upsert by `id` decided by the ingest service. */
export interface ItemWrite {
  readonly id: string;
  readonly modality: Modality;
  readonly externalId: string | null;
  readonly title: string | null;
  readonly metadata: JsonObject;
  readonly contentHash: string;
  readonly pairKey: string | null;
  readonly classNames: readonly string[];
  readonly image: { readonly mediaType: string; readonly width: number; readonly height: number } | null;
  readonly text: { readonly text: string; readonly language: string | null } | null;
  /** Features to store, by extractor id; an old feature of that extractor is replaced. */
  readonly features: ReadonlyMap<string, Float32Array>;
  /** Embeddings to store, by encoder id. */
  readonly embeddings: ReadonlyMap<string, Float32Array>;
}

/** A ranking is ordered by similarity descending, then id ascending. */
export interface Hit {
  readonly id: string;
  /** Cosine similarity, −1 to 1. */
  readonly similarity: number;
}
export interface Ranking {
  readonly hits: readonly Hit[];
  /** True if an approximate index took part. */
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
