import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { ItemWrite } from '../../src/catalog/types.js';
import { featurePartition } from '../../src/catalog/vectors/vector-partitions.js';
import { type EmojiEntry, emojiCatalogue } from '../../src/demo/emoji-catalogue.js';
import type { JsonObject } from '../../src/domain/json.js';
import { MODALITIES, type Modality } from '../../src/domain/modality.js';
import type { PictureHash } from '../../src/domain/picture-hash.js';
import type { CatalogueContents } from '../../src/domain/size/catalogue-contents.js';
import { randomOf, randomUnit, sha256 } from './catalog-items.js';

export interface Sized {
  readonly pictures: number;
  /** Texts of each picture; a fraction: that share of the pictures has one. */
  readonly captions: number;
  readonly imageDimension: number;
  readonly textDimension: number;
  readonly embeddingDimension: number;
  /** Versions of the encoder whose embeddings are stored. */
  readonly encoders: number;
}

/** Extractor ids of the length of the built-in ones. */
const EXTRACTORS = { IMAGE: 'mobilenet-mid+hsv-hog@1', TEXT: 'use-lite+ngrams@1' } as const;
const INDEXED_FROM = 1;
const WEIGHTS = new Uint8Array([1]);
/** Values in the metadata of an item that others share. */
const SHARED_METADATA = 5;
/** Items that the ingest writes in one transaction. */
const ITEMS_AT_ONCE = 64;

/**
 * Stores pictures and texts through the catalogue, in the batches and in the order of an ingest: captions, titles, classes and
 * metadata are the demo's, combined to differ; vectors are random. Then builds all indexes, and a map.
 */
export async function storeSized(catalog: Catalog, sized: Sized): Promise<void> {
  // It would empty the pending list of an index at any time.
  await catalog.database.runOnce('ALTER TABLE item SET (autovacuum_enabled = false)');
  const encoderIds = await liveEncoders(catalog, sized);
  const ids: string[] = [];
  let batch: ItemWrite[] = [];
  const write = async () => {
    await catalog.items.upsertMany(batch);
    ids.push(...batch.map(({ id }) => id));
    batch = [];
  };
  for (const item of drawItems(sized, encoderIds)) {
    batch.push(item);
    if (batch.length === ITEMS_AT_ONCE) await write();
  }
  await write();
  await catalog.indexes.ensure({ rows: INDEXED_FROM });
  await drawMap(catalog, encoderIds[0] ?? '', ids);
  await catalog.maintain();
  await catalog.database.runOnce('VACUUM (ANALYZE)');
}

async function drawMap({ mapPoints }: Catalog, encoderId: string, ids: readonly string[]): Promise<void> {
  const map = await mapPoints.begin(encoderId, 'PCA', 0.5);
  for (let at = 0; at < ids.length; at += 1000) {
    const some = ids.slice(at, at + 1000);
    await mapPoints.add(map, some, new Float32Array(2 * some.length));
  }
  await mapPoints.complete(map, { left: 0, right: 1, bottom: 0, top: 1 });
}

/** One active encoder, and ready ones: each item is embedded for all of them. */
async function liveEncoders(catalog: Catalog, { encoders, embeddingDimension }: Sized): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < encoders; n += 1) {
    const id = uuidv7();
    await catalog.encoders.create(
      {
        id,
        dimension: embeddingDimension,
        imageExtractor: EXTRACTORS.IMAGE,
        textExtractor: EXTRACTORS.TEXT,
        config: {},
        report: {},
      },
      WEIGHTS,
    );
    if (n === 0) await catalog.encoders.activate(id);
    ids.push(id);
  }
  return ids;
}

function* drawItems(sized: Sized, encoderIds: readonly string[]): Generator<ItemWrite> {
  const random = randomOf(18);
  const entries = emojiCatalogue('en');
  const vectors = (dimension: number) => randomUnit(dimension, random);
  const embeddings = () => new Map(encoderIds.map((id) => [id, vectors(sized.embeddingDimension)]));
  let texts = 0;
  for (let n = 0; n < sized.pictures; n += 1) {
    const entry = entries[n % entries.length] as EmojiEntry;
    const key = `photos/${String(n).padStart(7, '0')}`;
    const own = Math.floor((n + 1) * sized.captions) - texts;
    texts += own;
    const other = entries[(Math.floor(n / entries.length) * 7 + n * 11) % entries.length] as EmojiEntry;
    const shared = {
      title: `${entry.label}, ${other.label}`,
      classNames: [entry.subgroup],
      pairKey: own > 0 ? key : null,
    };
    yield {
      ...shared,
      id: uuidv7(),
      modality: 'IMAGE',
      externalId: `${key}.jpg`,
      contentHash: sha256(key),
      metadata: about(entry, { vendor: 'google', file: `${key}.jpg` }),
      image: {
        mediaType: 'image/jpeg',
        width: 640,
        height: 480,
        bytes: 60_000,
        pictureHash: pictureHash(random),
      },
      text: null,
      features: new Map([[EXTRACTORS.IMAGE, vectors(sized.imageDimension)]]),
      embeddings: embeddings(),
    };
    for (let c = 0; c < own; c += 1) {
      const text = c === 0 ? entry.text : `${entry.label}, ${other.text}`;
      yield {
        ...shared,
        id: uuidv7(),
        modality: 'TEXT',
        externalId: `${key}.jpg#${c}`,
        contentHash: sha256(`${key} ${c} ${text}`),
        metadata: about(entry, { language: 'en' }),
        image: null,
        text: { text, language: 'en' },
        features: new Map([[EXTRACTORS.TEXT, vectors(sized.textDimension)]]),
        embeddings: embeddings(),
      };
    }
  }
}

function about({ emoji, hexcode, group }: EmojiEntry, more: JsonObject): JsonObject {
  return { catalogue: 'sized', emoji, hexcode, group, ...more };
}

function pictureHash(random: () => number): PictureHash {
  const detail = Uint8Array.from({ length: 64 }, () => 256 * random());
  return { hash: new DataView(detail.buffer).getBigInt64(0), detail };
}

/** Bytes on disk of each table and index, by their names in the formulas; a table has its TOAST table with it. */
export async function measuredBytes({ database }: Catalog): Promise<Map<string, number>> {
  const rows = await database.run<{ name: string; bytes: number }>(
    `SELECT c.relname AS name,
       (CASE WHEN c.relkind = 'r' THEN pg_table_size(c.oid) ELSE pg_relation_size(c.oid) END)::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('public', 'vectors') AND c.relkind IN ('r', 'i')`,
  );
  const measured = new Map<string, number>();
  for (const { name, bytes } of rows) {
    const known = nameInFormulas(name);
    measured.set(known, (measured.get(known) ?? 0) + bytes);
  }
  return measured;
}

interface Means {
  readonly rows: number;
  readonly id: number;
  readonly title: number;
  readonly text: number;
  readonly metadata: number;
  readonly lexemes: number;
  readonly words: number;
}

interface Counts {
  readonly pairs: number;
  readonly paired: number;
  readonly metadata: number;
  readonly key: number;
  readonly links: number;
  readonly words: number;
  readonly classes: number;
  readonly titles: number;
}

/** What a stored catalogue contains, counted, and measured in its columns. */
export async function contentsOf({ database }: Catalog, sized: Sized): Promise<CatalogueContents> {
  // pg_column_size counts the header of a value.
  const meansOf = async (modality: Modality) =>
    first(
      await database.run<Means>(
        `SELECT count(*)::float8 AS rows, avg(pg_column_size(external_id) - 1)::float8 AS id,
           avg(pg_column_size(title) - 1)::float8 AS title, coalesce(avg(pg_column_size(text) - 1), 0)::float8 AS text,
           avg(pg_column_size(metadata))::float8 AS metadata, avg(pg_column_size(lexemes))::float8 AS lexemes,
           avg(length(lexemes) - 1)::float8 AS words
         FROM item WHERE modality = '${modality}'`,
      ),
    );
  const [image, text] = [await meansOf('IMAGE'), await meansOf('TEXT')];
  const counts = first(
    await database.run<Counts>(
      `SELECT (SELECT count(*) FROM pair)::float8 AS pairs, (SELECT count(pair_id) FROM item)::float8 AS paired,
         (SELECT count(DISTINCT (key, value)) FROM item, jsonb_each(metadata) WHERE key <> 'file')::float8 AS metadata,
         (SELECT avg(pg_column_size(key) - 1) FROM pair)::float8 AS key,
         (SELECT count(*) FROM item_class)::float8 AS links, (SELECT count(*) FROM word)::float8 AS words,
         (SELECT count(*) FROM class)::float8 AS classes, (SELECT count(DISTINCT title) FROM item)::float8 AS titles`,
    ),
  );
  const items = image.rows + text.rows;
  const mean = (name: keyof Means) => (image.rows * image[name] + text.rows * text[name]) / items;
  const [titleMarker, headerOfLexemes] = [5, 8];
  return {
    pictures: image.rows,
    texts: text.rows,
    pairs: counts.pairs,
    itemsInPairs: counts.paired,
    classes: counts.classes,
    classesOfItem: counts.links / items,
    imageDimension: sized.imageDimension,
    textDimension: sized.textDimension,
    embeddingDimension: sized.embeddingDimension,
    encoders: sized.encoders,
    indexedFrom: INDEXED_FROM,
    weightsBytes: WEIGHTS.length,
    idBytes: mean('id'),
    pairKeyBytes: counts.key,
    titleBytes: mean('title'),
    titles: counts.titles,
    textBytes: text.text,
    metadataBytes: mean('metadata') - 4,
    // The file of a picture.
    metadataOwn: image.rows / items,
    metadataValues: counts.metadata,
    metadataShared: SHARED_METADATA,
    pictureWords: image.words,
    textWords: text.words,
    wordBytes: (mean('lexemes') - headerOfLexemes - titleMarker - mean('title')) / mean('words'),
    vocabulary: counts.words,
    imageExtractorBytes: EXTRACTORS.IMAGE.length,
    textExtractorBytes: EXTRACTORS.TEXT.length,
  };
}

function first<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('no row');
  return row;
}

/** A name without ids: `feature image hnsw`, `embedding text`; others stay. */
function nameInFormulas(relation: string): string {
  const partition = PARTITIONS.find(({ name }) => relation.startsWith(name));
  const known = partition
    ? `feature ${partition.side}${relation.slice(partition.name.length)}`
    : relation.replace(/^embedding_[0-9a-f]{32}_/, 'embedding ');
  return known === relation ? relation : known.replace(/_(pkey|hnsw)$/, ' $1');
}

const PARTITIONS = MODALITIES.map((modality) => ({
  side: modality.toLowerCase(),
  name: featurePartition(EXTRACTORS[modality]).replace('vectors.', ''),
}));
