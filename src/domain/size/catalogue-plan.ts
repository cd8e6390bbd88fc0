import { type CatalogueContents, type CatalogueShape, contentsOfShape } from './catalogue-contents.js';
import { catalogueSize, isOfVectors, type RelationSize, totalBytes } from './catalogue-size.js';
import {
  ITEMS_WRITTEN_PER_SECOND,
  indexBuildMs,
  indexInsertMs,
  PICTURE_EMBEDDING_MS,
  PICTURES_PER_CORE_SECOND,
  SEARCH_MS,
  TEXT_EMBEDDING_MS,
  TEXTS_PER_CORE_SECOND,
} from './measured-speeds.js';

/** The machines, and speeds that replace the measured ones. */
export interface Machines {
  /** Memory of each database server, in bytes. */
  readonly memory: number;
  /** Cores that extract, of all servers and workers. */
  readonly cores: number;
  readonly picturesPerCoreSecond: number;
  readonly textsPerCoreSecond: number;
}

export const DEFAULT_MACHINES: Machines = {
  memory: 64e9,
  cores: 16,
  picturesPerCoreSecond: PICTURES_PER_CORE_SECOND,
  textsPerCoreSecond: TEXTS_PER_CORE_SECOND,
};

/** Share of a server's memory that can hold pages; the rest is for processes and sorts. */
export const MEMORY_FOR_PAGES = 0.75;
/** Indexes of items that every search reads, besides the vector indexes. */
const READ_BY_SEARCHES: ReadonlySet<string> = new Set([
  'item_pkey',
  'item_lexemes_idx',
  'item_pair_id_modality_id_idx',
]);

/** Shards by default, and the most that `commonspace migrate` makes: each search reads every one. */
const FEWEST_SHARDS = 8;
export const MOST_SHARDS = 256;

interface Nodes {
  /** Servers that store items and vectors; 1: a plain Postgres. Null: more than MOST_SHARDS, of which each has one at least. */
  readonly workers: number | null;
  readonly shards: number | null;
  /** On disk of a worker, and of a coordinator without shards. */
  readonly workerBytes: number;
  readonly coordinatorBytes: number;
}

export interface CataloguePlan {
  readonly shape: CatalogueShape;
  readonly machines: Machines;
  readonly pictures: number;
  readonly texts: number;
  readonly relations: readonly RelationSize[];
  readonly bytes: {
    readonly total: number;
    readonly byPlace: Readonly<Record<RelationSize['where'], number>>;
    /** Features and embeddings with their indexes. */
    readonly vectors: number;
    readonly vectorIndexes: number;
  };
  /** Pages that searches read at random, so that they must be in memory. */
  readonly searched: { readonly vectors: number; readonly items: number };
  readonly nodes: Nodes;
  readonly hours: {
    readonly extraction: number;
    readonly writing: number;
    /** The longer of both: they overlap. Without vector indexes, which are built afterwards. */
    readonly ingest: number;
    /** Of one core of the database, where the vectors are stored into indexes that exist. */
    readonly insertCore: number;
    /** By one process. */
    readonly embedding: number;
    /** Of one core. Larger graphs than the measured ones are slower. */
    readonly indexCore: number;
  };
  /** p50 in ms of the nearest catalogue that was measured; null beyond three times the largest. */
  readonly search: { readonly items: number; readonly byVector: number; readonly byText: number } | null;
}

/** Sizes, memory, nodes and hours of a catalogue. */
export function planCatalogue(shape: CatalogueShape, machines: Machines = DEFAULT_MACHINES): CataloguePlan {
  const contents = contentsOfShape(shape);
  const relations = relationsFor(contents, machines);
  const bytesOf = (test: (one: RelationSize) => boolean) => totalBytes(relations.filter(test));
  const at = (where: RelationSize['where']) => bytesOf((one) => one.where === where);
  const byPlace = { shards: at('shards'), coordinator: at('coordinator') };
  const vectorIndexes = bytesOf(({ kind }) => kind === 'vector index');
  const searched = searchedOf(relations);
  const { pictures, texts } = contents;
  return {
    shape,
    machines,
    pictures,
    texts,
    relations,
    bytes: { total: totalBytes(relations), byPlace, vectors: bytesOf(isOfVectors), vectorIndexes },
    searched,
    nodes: nodesFor(searched, byPlace, machines),
    hours: hoursFor(contents, machines),
    search: searchTime(shape.items),
  };
}

/** Stored on one server if what searches read fits into its memory, and on Citus otherwise. */
function relationsFor(contents: CatalogueContents, machines: Machines): RelationSize[] {
  const plain = catalogueSize(contents);
  return fitsOne(searchedOf(plain), machines) ? plain : catalogueSize(contents, 'distributed');
}

function fitsOne({ vectors, items }: CataloguePlan['searched'], { memory }: Machines): boolean {
  return vectors + items <= memory * MEMORY_FOR_PAGES;
}

function searchedOf(relations: readonly RelationSize[]): CataloguePlan['searched'] {
  return {
    vectors: searchedVectors(relations),
    items: totalBytes(relations.filter(({ name }) => READ_BY_SEARCHES.has(name))),
  };
}

/** The indexes of vectors; where there is none, a search compares all rows of the table. */
function searchedVectors(relations: readonly RelationSize[]): number {
  const bytes = new Map(relations.map((one) => [one.name, one.bytes]));
  return relations
    .filter(({ kind }) => kind === 'vector index')
    .reduce((sum, one) => sum + (one.bytes || (bytes.get(one.name.replace(/ hnsw$/, '')) ?? 0)), 0);
}

/** Each worker has its part of the items and of the vectors. */
function nodesFor(
  searched: CataloguePlan['searched'],
  { shards: divided, coordinator: coordinatorBytes }: CataloguePlan['bytes']['byPlace'],
  machines: Machines,
): Nodes {
  if (fitsOne(searched, machines))
    return { workers: 1, shards: 1, workerBytes: divided + coordinatorBytes, coordinatorBytes };
  const pages = machines.memory * MEMORY_FOR_PAGES;
  const needed = Math.max(2, Math.ceil((searched.vectors + searched.items) / pages));
  const workers = needed > MOST_SHARDS ? null : needed;
  return {
    workers,
    shards: workers === null ? null : shardsFor(workers),
    workerBytes: divided / needed,
    coordinatorBytes,
  };
}

/** A multiple of the workers, so that each has as many. */
function shardsFor(workers: number): number {
  return Math.min(MOST_SHARDS, workers * Math.ceil(FEWEST_SHARDS / workers));
}

function hoursFor(contents: CatalogueContents, machines: Machines): CataloguePlan['hours'] {
  const { pictures, texts, imageDimension, textDimension, embeddingDimension } = contents;
  const coreSeconds = pictures / machines.picturesPerCoreSecond + texts / machines.textsPerCoreSecond;
  const extraction = coreSeconds / machines.cores / 3600;
  const writing = (pictures + texts) / ITEMS_WRITTEN_PER_SECOND / 3600;
  const embedding = (pictures * PICTURE_EMBEDDING_MS + texts * TEXT_EMBEDDING_MS) / 1000 / 3600;
  const indexes = [
    [pictures, imageDimension],
    [texts, textDimension],
    [pictures, embeddingDimension],
    [texts, embeddingDimension],
  ] as const;
  const core = (ms: (dimension: number) => number) =>
    indexes
      .filter(([vectors]) => vectors >= contents.indexedFrom)
      .reduce((sum, [vectors, dimension]) => sum + vectors * ms(dimension), 0) /
    1000 /
    3600;
  const ingest = Math.max(extraction, writing);
  return {
    extraction,
    writing,
    ingest,
    insertCore: core(indexInsertMs),
    embedding,
    indexCore: core(indexBuildMs),
  };
}

/** The measured size nearest to this one, by their ratio. */
function searchTime(items: number): CataloguePlan['search'] {
  const distance = (one: { readonly items: number }) => Math.abs(Math.log(items / one.items));
  const nearest = SEARCH_MS.reduce((best, one) => (distance(one) < distance(best) ? one : best));
  return items > 3 * nearest.items ? null : nearest;
}
