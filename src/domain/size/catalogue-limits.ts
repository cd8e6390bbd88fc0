import { type CatalogueShape, contentsOfShape } from './catalogue-contents.js';
import { type CataloguePlan, MEMORY_FOR_PAGES, MOST_SHARDS, planCatalogue } from './catalogue-plan.js';
import { SEARCH_MS } from './measured-speeds.js';
import { size } from './size-words.js';

/** Something that ends as a catalogue grows, with what follows. */
export interface Limit {
  readonly what: string;
  /** Where it is reached, for this shape and these machines. */
  readonly items: number;
  readonly reached: boolean;
  readonly change: string;
  /** Whether the catalogue can do that today. */
  readonly today: boolean;
}

/** Memory that a build of an index takes by itself (src/catalog/vectors/vector-indexes.ts). */
const BUILD_BYTES = 2 ** 30;
const BUILD_BYTES_OF_ENTRY = 400;
/** Bytes that the job of a map has in a server's memory for an item: 32 numbers (docs/decisions/0038-map.md). */
const MAP_BYTES = 32 * 4;
/** What the memory of a server process may be for that. */
const MAP_MEMORY = 4e9;
/** Memory of a count of words for each title of 13 bytes (docs/measurements/catalogue-size.md). */
const COUNTED_TITLE_BYTES = 140;
/** Of Citus (docs/measurements/shards.md). */
const MEASURED_SHARDS = 8;
const DAY = 24;

/** The limits of a plan, by the number of items. */
export function limitsOf(plan: CataloguePlan): Limit[] {
  const found = [
    ...buildLimits(plan),
    memoryLimit(plan),
    recallLimit(plan),
    ...insertLimit(plan),
    embeddingLimit(plan),
    MAP_LIMIT,
    writerLimit(plan),
    wordsLimit(plan),
    coordinatorLimit(plan),
    ...shardLimits(plan),
  ];
  return found
    .map((one) => ({ ...one, reached: plan.shape.items >= one.items }))
    .sort((a, b) => a.items - b.items);
}

type Found = Omit<Limit, 'reached'>;

/** Of the indexes of one Postgres. */
function buildLimits({ shape, pictures, texts }: CataloguePlan): Found[] {
  const indexes = [
    ['image features', pictures, shape.imageDimension],
    ['text features', texts, shape.textDimension],
    ['embeddings of a modality', Math.max(pictures, texts), shape.embeddingDimension],
  ] as const;
  return indexes.flatMap(([of, vectors, dimension]) => {
    if (vectors === 0) return [];
    const bytes = 2 * dimension + BUILD_BYTES_OF_ENTRY;
    return [
      {
        what: `an index build of ${of} exceeds 1 GB and is slow`,
        items: (BUILD_BYTES / bytes / vectors) * shape.items,
        change: `maintenance_work_mem ${size(bytes * vectors)}, on Citus divided by the shards`,
        today: true,
      },
    ];
  });
}

/** Items at which what grows with them fills a given size. */
const itemsFor = (room: number, { shape }: CataloguePlan, bytes: number) => (room / bytes) * shape.items;

function memoryLimit(plan: CataloguePlan): Found {
  const { shape, machines } = plan;
  const { searched } = planCatalogue(shape, { ...machines, memory: Number.POSITIVE_INFINITY });
  return {
    what: 'what searches read exceeds the memory of one database server',
    items: itemsFor(MEMORY_FOR_PAGES * machines.memory, plan, searched.vectors + searched.items),
    change: 'more memory; models with fewer numbers; then Citus',
    today: true,
  };
}

function recallLimit({ shape }: CataloguePlan): Found {
  const largest = SEARCH_MS.at(-1)?.items ?? shape.items;
  return {
    what: 'recall@10 of vector searches was .79; larger ones are not measured',
    items: largest,
    change: 'an hnsw.ef_search above 100',
    today: false,
  };
}

function insertLimit(plan: CataloguePlan): Found[] {
  if (plan.hours.insertCore === 0) return [];
  return [
    {
      what: 'an ingest into indexes takes one core of the database more than a day; on Citus writers take turns',
      items: (DAY / plan.hours.insertCore) * plan.shape.items,
      change: 'load by `commonspace ingest` while no server runs: it builds indexes at its end',
      today: true,
    },
  ];
}

function embeddingLimit(plan: CataloguePlan): Found {
  return {
    what: 'embedding by a new encoder takes more than a day',
    items: (DAY / plan.hours.embedding) * plan.shape.items,
    change: 'several processes that embed',
    today: false,
  };
}

const MAP_LIMIT: Found = {
  what: 'the job of the map has 4 GB in the memory of a server process',
  items: MAP_MEMORY / MAP_BYTES,
  change: 'a map of a sample of the items',
  today: false,
};

/** No index of Citus keeps identities of items unique over its shards, so writers exclude each other. */
function writerLimit({ shape, hours }: CataloguePlan): Found {
  return {
    what: 'one writer at a time, as on Citus, stores items for more than a day, without vector indexes',
    items: (DAY / hours.writing) * shape.items,
    change: 'identities in tables of their own, so that writers need not take turns',
    today: false,
  };
}

/** One process counts the words of all items, on Citus too. Each whole title counts as a word, and there are far more titles than words. */
function wordsLimit(plan: CataloguePlan): Found {
  const { titles } = contentsOfShape(plan.shape);
  return {
    what: 'the count of words exceeds the memory of the database server, or of the coordinator of Citus',
    items: itemsFor(MEMORY_FOR_PAGES * plan.machines.memory, plan, COUNTED_TITLE_BYTES * titles),
    change: 'a count without titles',
    today: false,
  };
}

/** Its keys are hashes, so each new picture needs another page of the index. */
function coordinatorLimit(plan: CataloguePlan): Found {
  const index = plan.relations.find(({ name }) => name === 'media_pkey')?.bytes ?? 0;
  return {
    what: 'the index of the pictures’ files exceeds the memory of the coordinator of Citus',
    items: itemsFor(MEMORY_FOR_PAGES * plan.machines.memory, plan, index),
    change: 'more memory for the coordinator',
    today: true,
  };
}

/** Each worker has a shard at least, and each search visits every shard. */
function shardLimits(plan: CataloguePlan): Found[] {
  const { searched, machines } = plan;
  const worker = MEMORY_FOR_PAGES * machines.memory;
  const inWorkers = (count: number) => itemsFor(count * worker, plan, searched.vectors + searched.items);
  return [
    {
      what: `searches visit more than ${MEASURED_SHARDS} shards of Citus, the most that were measured`,
      items: inWorkers(MEASURED_SHARDS),
      change: 'more memory for each worker, so that fewer are needed',
      today: true,
    },
    {
      what: `what searches read exceeds the memory of ${MOST_SHARDS} workers of Citus, the most shards`,
      items: inWorkers(MOST_SHARDS),
      change: 'more memory for each worker; models with fewer numbers',
      today: true,
    },
  ];
}

/** Cores of extraction at which the one writer of items is busy all the time. */
export function coresOfOneWriter({ hours, machines }: CataloguePlan): number {
  return (machines.cores * hours.extraction) / hours.writing;
}

/** The same catalogue, changed. */
export interface Variant {
  readonly change: string;
  readonly today: boolean;
  readonly bytes: number;
  /** In memory for searches. */
  readonly searched: number;
}

/** What the changes that are worth considering make of a plan. */
export function variantsOf({ shape, machines }: CataloguePlan): Variant[] {
  const variant = (change: string, today: boolean, changed: Partial<CatalogueShape>): Variant => {
    const { bytes, searched } = planCatalogue({ ...shape, ...changed }, machines);
    return { change, today, bytes: bytes.total, searched: searched.vectors + searched.items };
  };
  const { onPaper } = shape;
  return [
    variant('as it is', true, {}),
    variant('text model of 384 numbers', true, { textDimension: Math.min(384, shape.textDimension) }),
    variant('image and text models of 512 numbers', true, {
      imageDimension: Math.min(512, shape.imageDimension),
      textDimension: Math.min(512, shape.textDimension),
    }),
    variant('text features of 990 numbers', false, { textDimension: Math.min(990, shape.textDimension) }),
    variant('features stored as halfvec', false, { onPaper: { ...onPaper, halfvecFeatures: true } }),
    variant('indexes of features by bits, with re-ranking', false, {
      onPaper: { ...onPaper, binaryIndexes: true },
    }),
    variant('image features dropped once embedded', false, { onPaper: { ...onPaper, imageFeatures: false } }),
    variant('the last three together', false, {
      onPaper: { halfvecFeatures: true, binaryIndexes: true, imageFeatures: false },
    }),
  ];
}
