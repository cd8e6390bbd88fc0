import type { CatalogueContents } from './catalogue-contents.js';
import {
  ASCENDING,
  aligned,
  btree,
  btreeOfEqualKeys,
  gin,
  heap,
  hnsw,
  RANDOM,
  SEVERAL_ENDS,
  toast,
  type VectorType,
  varlena,
  vectorBytes,
} from './postgres-pages.js';

/** A table or an index. */
export interface RelationSize {
  /** `item`, `item_pkey`, `feature image`, `feature image hnsw`, … */
  readonly name: string;
  readonly kind: 'table' | 'index' | 'vector index';
  /** Where it is on a distributed database (docs/decisions/0043-homes.md). */
  readonly where: 'shards' | 'coordinator';
  /** Rows or entries; of the partitions of all versions of the encoder together. */
  readonly rows: number;
  /** On disk, after VACUUM, with all indexes built. */
  readonly bytes: number;
}

/** How the tables are stored: on one Postgres, or on the nodes of Citus. */
export type Layout = 'plain' | 'distributed';

const UUID = 16;
const TIME = 8;
const ENUM = 4;
const SHA256 = varlena(64);
/** The bitmap of an index entry without a value; those entries are the last. */
const NULLS = 8;
const HASH_BANDS = 65_536;
/** Equal keys are joined before a page splits, which fills leaves further than keys in no order do. Measured. */
const EQUAL_KEYS = 0.75;
/** The hash of a metadata value with its path, with its length: the key of `jsonb_path_ops`. */
const HASH = 4;
/** Of the rows that have a value, in its entry. */
const SHORT_LIST = 12;
/** Measured. */
const METADATA_POSTING = 2.3;
const WORD_POSTING = 3.5;
/** A word of the vocabulary. Measured. */
const VOCABULARY_BYTES = 8;

/** Keys of a batch have the same time and are not in the order of their ids. Measured. */
const NEARLY_ASCENDING = 0.85;

/**
 * The tables and indexes of a catalogue that grow with its items, stored with the current schema. Of distributed tables the shards are counted
 * together.
 */
export function catalogueSize(contents: CatalogueContents, layout: Layout = 'plain'): RelationSize[] {
  return [
    ...itemTables(contents, layout),
    ...pairTables(contents, layout),
    ...classTables(contents, layout),
    ...vectorTables(contents, layout),
    ...otherTables(contents),
  ];
}

/** Whether a relation stores features or embeddings of items. */
export function isOfVectors({ name }: RelationSize): boolean {
  return /^(feature|embedding) /.test(name);
}

/** Bytes of the column `home`, the last one of a row and of a primary key. On one Postgres it is null in rows, and not in keys. */
function homeBytes(layout: Layout): number {
  return layout === 'distributed' ? UUID : 0;
}

export function totalBytes(relations: readonly RelationSize[]): number {
  return relations.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Relations of items: a table and its indexes with their sizes. */
function relations(
  where: RelationSize['where'],
  rows: number,
  table: readonly [name: string, bytes: number],
  indexes: Readonly<Record<string, number>>,
): RelationSize[] {
  const [name, bytes] = table;
  return [
    { name, kind: 'table', where, rows, bytes },
    ...Object.entries(indexes).map(
      ([index, size]): RelationSize => ({ name: index, kind: 'index', where, rows, bytes: size }),
    ),
  ];
}

function itemTables(c: CatalogueContents, layout: Layout): RelationSize[] {
  const { pictures, texts } = c;
  const items = pictures + texts;
  const columns = 18;
  const rowBytes = (pictures * pictureRow(c) + texts * textRow(c)) / Math.max(1, items) + homeBytes(layout);
  const title = varlena(Math.min(200, c.titleBytes)) + UUID;
  const band = btreeOfEqualKeys(pictures, 8, HASH_BANDS, EQUAL_KEYS);
  const externalIds = layout === 'distributed' ? 'item_external_id_idx' : 'item_external_id_key';
  return relations('shards', items, ['item', heap(items, rowBytes, { columns, even: false })], {
    item_pkey: btree(items, UUID + homeBytes(layout), ASCENDING),
    [externalIds]: btree(items, varlena(c.idBytes), ASCENDING),
    item_created_at_id_idx: btree(items, TIME + UUID, NEARLY_ASCENDING),
    item_modality_id_idx: btree(pictures, ENUM + UUID, SEVERAL_ENDS) + btree(texts, ENUM + UUID, ASCENDING),
    item_pair_id_modality_id_idx:
      btree(c.itemsInPairs, 2 * UUID + ENUM, RANDOM) +
      btree(items - c.itemsInPairs, NULLS + UUID + ENUM, ASCENDING),
    item_content_hash_idx: btree(items, SHA256, RANDOM),
    item_title_idx: btree(items, title, RANDOM),
    item_metadata_idx: gin({
      keys: [
        [items * c.metadataOwn, HASH],
        [c.metadataValues, HASH + SHORT_LIST],
      ],
      postings: items * c.metadataShared,
      postingBytes: METADATA_POSTING,
      pending: items * (c.metadataOwn + c.metadataShared),
    }),
    item_lexemes_idx: gin({
      keys: [
        [c.titles, varlena(c.titleBytes + 1)],
        [c.vocabulary, varlena(VOCABULARY_BYTES)],
      ],
      postings: pictures * c.pictureWords + texts * c.textWords,
      postingBytes: WORD_POSTING,
      pending: 0,
    }),
    item_hash_band_0_idx: band,
    item_hash_band_1_idx: band,
    item_hash_band_2_idx: band,
    item_hash_band_3_idx: band,
  });
}

/** Columns of every item, with what their alignment needs in the mean. */
function commonRow(c: CatalogueContents): number {
  const alignment = 9;
  const strings = varlena(c.idBytes) + (c.titleBytes > 0 ? varlena(c.titleBytes) : 0) + SHA256;
  return UUID + ENUM + strings + varlena(c.metadataBytes) + UUID + 2 * TIME + alignment;
}

function pictureRow(c: CatalogueContents): number {
  const [mediaType, sides, hash, detail] = [varlena(10), 8, 8, varlena(64)];
  return commonRow(c) + mediaType + sides + hash + detail + lexemes(c, c.pictureWords);
}

function textRow(c: CatalogueContents): number {
  const language = varlena(2);
  return commonRow(c) + varlena(c.textBytes) + language + lexemes(c, c.textWords);
}

/** A `tsvector`: a count, each word with its positions, and the whole title. */
function lexemes(c: CatalogueContents, words: number): number {
  const title = c.titleBytes > 0 ? 5 + c.titleBytes : 0;
  return varlena(4 + words * c.wordBytes + title);
}

function pairTables(c: CatalogueContents, layout: Layout): RelationSize[] {
  const row = aligned(UUID + varlena(c.pairKeyBytes)) + TIME + homeBytes(layout);
  const keys = layout === 'distributed' ? 'pair_key_idx' : 'pair_key_key';
  return relations('shards', c.pairs, ['pair', heap(c.pairs, row)], {
    pair_pkey: btree(c.pairs, UUID + homeBytes(layout), RANDOM),
    [keys]: btree(c.pairs, varlena(c.pairKeyBytes), ASCENDING),
  });
}

function classTables(c: CatalogueContents, layout: Layout): RelationSize[] {
  const links = (c.pictures + c.texts) * c.classesOfItem;
  return relations('shards', links, ['item_class', heap(links, 2 * UUID + homeBytes(layout))], {
    item_class_pkey: btree(links, 2 * UUID + homeBytes(layout), ASCENDING),
    item_class_class_id_item_id_idx: btree(links, 2 * UUID, fillByClass(links / c.classes)),
  });
}

/** A class of several pages has an end of its own; classes that share a page are filled as in no order. */
function fillByClass(links: number): number {
  const pages = links / 166;
  return SEVERAL_ENDS + (RANDOM - SEVERAL_ENDS) * Math.exp(-pages / 2);
}

function vectorTables(c: CatalogueContents, layout: Layout): RelationSize[] {
  const { halfvecFeatures = false, binaryIndexes = false, imageFeatures = true } = c.onPaper ?? {};
  const features = (side: string, count: number, dimension: number, extractorBytes: number) =>
    vectorTable(`feature ${side}`, UUID + varlena(extractorBytes), layout, {
      count,
      indexedFrom: c.indexedFrom,
      dimension,
      stored: halfvecFeatures ? 'halfvec' : 'vector',
      indexed: binaryIndexes ? 'bit' : 'halfvec',
    });
  const embeddings = (side: string, count: number) =>
    vectorTable(`embedding ${side}`, 2 * UUID + ENUM, layout, {
      count,
      indexedFrom: c.indexedFrom,
      dimension: c.embeddingDimension,
      stored: 'vector',
      indexed: 'halfvec',
      copies: c.encoders,
    });
  return [
    ...features('image', imageFeatures ? c.pictures : 0, c.imageDimension, c.imageExtractorBytes),
    ...features('text', c.texts, c.textDimension, c.textExtractorBytes),
    ...embeddings('image', c.pictures),
    ...embeddings('text', c.texts),
  ];
}

interface Vectors {
  readonly count: number;
  readonly indexedFrom: number;
  readonly dimension: number;
  readonly stored: VectorType;
  readonly indexed: VectorType;
  /** Versions of the encoder; each has a partition. */
  readonly copies?: number;
}

/** The longest row that stays in the table's page: toast_tuple_target of the partitions. */
const LONGEST_ROW = 8160;
const ROW_HEADER = 24;
const TOAST_POINTER = 18;
/** A value up to this size has a header of one byte and is not aligned. */
const SHORT_VALUE = 130;

/** A partition with its key and its HNSW index. */
function vectorTable(
  name: string,
  keyBytes: number,
  layout: Layout,
  { count, indexedFrom, dimension, stored, indexed, copies = 1 }: Vectors,
): RelationSize[] {
  const vector = vectorBytes(dimension, stored);
  const columns = vector <= SHORT_VALUE ? keyBytes - 3 : Math.ceil(keyBytes / 4) * 4;
  const home = homeBytes(layout);
  const inRow = aligned(ROW_HEADER + columns + vector + home) <= LONGEST_ROW;
  const table = inRow
    ? heap(count, columns + vector + home)
    : heap(count, keyBytes + TOAST_POINTER + home) + toast(count, vector - 4);
  const key = btree(count, keyBytes + home, ASCENDING);
  const index = count < indexedFrom ? 0 : hnsw(count, vectorBytes(dimension, indexed));
  const [where, rows] = ['shards', count * copies] as const;
  return [
    { name, kind: 'table', where, rows, bytes: copies * table },
    { name: `${name} pkey`, kind: 'index', where, rows, bytes: copies * key },
    { name: `${name} hnsw`, kind: 'vector index', where, rows, bytes: copies * index },
  ];
}

/** The feed of changes (of 30 days), the pictures' files, the map, the vocabulary, and what classes and encoders have. */
function otherTables(c: CatalogueContents): RelationSize[] {
  const items = c.pictures + c.texts;
  const [transaction, id] = [8, 8];
  const media = aligned(SHA256 + varlena(10) + 3 * 4) + TIME;
  const classVector = heap(
    c.classes,
    UUID + varlena(c.textExtractorBytes) + vectorBytes(c.textDimension, 'vector'),
  );
  const table = (name: string, rows: number, bytes: number) =>
    ({ name, kind: 'table', where: 'coordinator', rows, bytes }) as const;
  return [
    ...relations('coordinator', items, ['item_change', heap(items, transaction + id + TIME + UUID + ENUM)], {
      item_change_pkey: btree(items, transaction + id, ASCENDING),
    }),
    ...relations('coordinator', c.pictures, ['media', heap(c.pictures, media, { columns: 7 })], {
      media_pkey: btree(c.pictures, SHA256, RANDOM),
    }),
    ...relations('coordinator', items, ['projection_point', heap(items, 2 * UUID + 8)], {
      projection_point_pkey: btree(items, 2 * UUID, ASCENDING),
      projection_point_item_id_idx: btree(items, UUID, ASCENDING),
    }),
    table('word', c.vocabulary, c.vocabulary * WORD),
    table('class_feature', c.classes, classVector),
    table('encoder_weights', c.encoders, c.encoders * c.weightsBytes),
  ];
}

/** A word with its indexes. Its count is rewritten now and then. Measured: 190 to 530. */
const WORD = 300;
