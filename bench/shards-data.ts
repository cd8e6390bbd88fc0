import { createHash } from 'node:crypto';
import { type Catalog, openCatalog } from '../src/catalog/catalog.js';
import type { ItemWrite } from '../src/catalog/types.js';
import { unit } from '../src/domain/vectors.js';
import { randomOf } from '../test/support/catalog-items.js';

const DIMENSION = 64;
export const ENCODER = '01a20000-0000-7000-8000-000000000001';
export const TEXT_EXTRACTOR = 'words@1';
/** Both filters match one item of so many. */
export const GROUPS = 20;

/** Vectors lie around so many centres. */
const CENTRES = 2_000;
/** Length of what is added to a centre, which has the length 1. */
const SPREAD = 0.9;
/** One picture of so many has a caption, whose feature is searched too. */
const CAPTION_EACH = 4;
const VECTORS_AT_ONCE = 8_192;
const ITEMS_AT_ONCE = 50_000;
const UPSERTED = 2_000;
const UPSERTED_AT_ONCE = 250;

/** Where the catalogue is stored. */
export interface Place {
  readonly name: 'plain' | '2 workers' | '3 workers';
  readonly url: string;
  catalog: Catalog;
  readonly made: Pictures;
}

/** How fast a catalogue grew, in rows a second. */
export interface Growth {
  readonly items: number;
  readonly bulkVectors: number;
  /** Pictures with embeddings by upsertMany, into tables that are indexed. */
  readonly upserted: number;
  readonly indexSeconds: number;
}

function randomUnit(random: () => number): Float32Array {
  return unit(new Float32Array(DIMENSION).map(() => random() + random() + random() - 1.5));
}

const centres = (() => {
  const random = randomOf(42);
  return Array.from({ length: CENTRES }, () => randomUnit(random));
})();

function nearCentre(random: () => number): Float32Array {
  const centre = centres[Math.floor(random() * CENTRES)] as Float32Array;
  const other = randomUnit(random);
  return unit(centre.map((x, i) => x + SPREAD * (other[i] as number)));
}

/** The same queries in each run. */
export function queries(count: number): Float32Array[] {
  const random = randomOf(7);
  return Array.from({ length: count }, () => nearCentre(random));
}

function idOf(kind: 'aaaa' | 'bbbb', n: number): string {
  return `01a2${kind}-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** Opens a catalogue in an empty database. @param shards null distributes nothing; 0: in as many as the product does */
export async function openPlace(name: Place['name'], url: string, shards: number | null): Promise<Place> {
  const catalog = await openCatalog({ databaseUrl: url });
  if ((await catalog.items.count(null)) > 0) throw new Error(`the database for ${name} is not empty`);
  if (shards !== null) await catalog.nodes.distribute(shards === 0 ? undefined : shards);
  const place = { name, url, catalog, made: new Pictures() };
  await reopen(place);
  const read = { imageExtractor: 'pixels@1', textExtractor: TEXT_EXTRACTOR };
  await place.catalog.encoders.create(
    { id: ENCODER, dimension: DIMENSION, ...read, config: {}, report: {} },
    Uint8Array.of(7),
  );
  await runOn(
    place,
    `INSERT INTO class (id, name) SELECT ('01a2cccc-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'class ' || n
     FROM generate_series(0, ${GROUPS - 1}) n`,
  );
  return place;
}

/** With nothing in the cache of the catalogue's partitions. */
export async function reopen(place: Place): Promise<void> {
  await place.catalog.close();
  place.catalog = await openCatalog({ databaseUrl: place.url });
}

async function runOn({ catalog }: Place, statement: string): Promise<void> {
  await catalog.database.runOnce(statement);
}

export async function dropVectorIndexes(place: Place): Promise<void> {
  const indexes = await place.catalog.database.runOnce<{ name: string }>(
    `SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indexrelid::regclass::text LIKE 'vectors.%\\_hnsw'`,
  );
  for (const { name } of indexes) await runOn(place, `DROP INDEX ${name}`);
}

/** Stored pictures and captions, of which vectors are the same at each place. */
class Pictures {
  private readonly random = randomOf(18);
  private stored = 0;
  private upserted = 0;

  /** Adds items by SQL and vectors as an import does, until there are `count` pictures. The tables have no vector index meanwhile. */
  async growTo(count: number, place: Place): Promise<Pick<Growth, 'items' | 'bulkVectors'>> {
    const first = this.stored;
    const items = await secondsOf(async () => {
      for (let from = first; from < count; from += ITEMS_AT_ONCE)
        await addItems(place, from, Math.min(count, from + ITEMS_AT_ONCE) - 1);
    });
    const vectors = await this.addVectors(count, place.catalog);
    const added = count - first;
    await runOn(place, 'VACUUM (ANALYZE) pair, class, item, item_class, feature, embedding');
    return {
      items: (added * (1 + 1 / CAPTION_EACH)) / items,
      bulkVectors: (added * (1 + 1 / CAPTION_EACH)) / vectors,
    };
  }

  /** Writes pictures with embeddings as an ingest does. @returns rows a second */
  async upsert({ items }: Catalog): Promise<number> {
    const random = randomOf(1_000 + this.upserted);
    const start = 2 ** 40 + this.upserted;
    const writes = Array.from({ length: UPSERTED }, (_, n) => picture(start + n, nearCentre(random)));
    const seconds = await secondsOf(async () => {
      for (let from = 0; from < UPSERTED; from += UPSERTED_AT_ONCE)
        await items.upsertMany(writes.slice(from, from + UPSERTED_AT_ONCE));
    });
    this.upserted += UPSERTED;
    return UPSERTED / seconds;
  }

  /** @returns seconds in statements */
  private async addVectors(count: number, { archive }: Catalog): Promise<number> {
    let seconds = 0;
    while (this.stored < count) {
      const until = Math.min(count, this.stored + VECTORS_AT_ONCE);
      const [pictures, captions] = [new Chunk(), new Chunk()];
      for (; this.stored < until; this.stored += 1) {
        pictures.add(idOf('aaaa', this.stored), nearCentre(this.random));
        if (this.stored % CAPTION_EACH === 0)
          captions.add(idOf('bbbb', this.stored), nearCentre(this.random));
      }
      seconds += await secondsOf(async () => {
        await archive.vectors.addEmbeddings(ENCODER, 'IMAGE', pictures.rows());
        await archive.vectors.addFeatures(TEXT_EXTRACTOR, captions.rows());
      });
    }
    return seconds;
  }
}

class Chunk {
  private readonly ids: string[] = [];
  private readonly vectors: Float32Array[] = [];

  add(id: string, vector: Float32Array): void {
    this.ids.push(id);
    this.vectors.push(vector);
  }

  rows() {
    const data = new Float32Array(this.ids.length * DIMENSION);
    this.vectors.forEach((vector, row) => {
      data.set(vector, row * DIMENSION);
    });
    return { ids: this.ids, matrix: { data, rows: this.ids.length, columns: DIMENSION } };
  }
}

/** Pictures `from` to `to` with their captions and classes. */
async function addItems(place: Place, from: number, to: number): Promise<void> {
  const numbers = `generate_series(${from}, ${to}) n`;
  const captioned = `${numbers} WHERE n % ${CAPTION_EACH} = 0`;
  const id = (kind: string) => `('01a2${kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;
  const hash = (what: string) => `encode(sha256(convert_to('${what} ' || n, 'UTF8')), 'hex')`;
  const common = `jsonb_build_object('bucket', n / ${CAPTION_EACH} % ${GROUPS}), TIMESTAMPTZ '2026-01-01', TIMESTAMPTZ '2026-01-01'`;
  const { distributed } = place.catalog.database;
  const paired = `CASE WHEN n % ${CAPTION_EACH} = 0 THEN ${id('dddd')} END`;
  const home = (of: string) => (distributed ? of : 'NULL::uuid');
  const columns =
    'home, metadata, created_at, updated_at, id, modality, content_hash, external_id, text, media_type, width, height, pair_id';
  await runOn(
    place,
    `INSERT INTO pair (id, home, key, created_at) SELECT ${id('dddd')}, ${home(id('dddd'))}, 'pair ' || n, TIMESTAMPTZ '2026-01-01' FROM ${captioned}`,
  );
  await runOn(
    place,
    `INSERT INTO item (${columns}) SELECT ${home(`COALESCE(${paired}, ${id('aaaa')})`)}, ${common}, ${id('aaaa')}, 'IMAGE'::modality, ${hash('picture')}, 'picture ' || n, NULL, 'image/png', 64, 64,
       ${paired} FROM ${numbers}`,
  );
  await runOn(
    place,
    `INSERT INTO item (${columns}) SELECT ${home(id('dddd'))}, ${common}, ${id('bbbb')}, 'TEXT'::modality, ${hash('caption')}, 'caption ' || n, 'a caption', NULL, NULL, NULL,
       ${id('dddd')} FROM ${captioned}`,
  );
  await runOn(
    place,
    `INSERT INTO item_class (item_id, home, class_id) SELECT ${id('aaaa')}, ${home(`COALESCE(${paired}, ${id('aaaa')})`)},
       ('01a2cccc-0000-7000-8000-' || lpad(to_hex(n / ${CAPTION_EACH * GROUPS} % ${GROUPS}), 12, '0'))::uuid FROM ${numbers}`,
  );
}

function picture(n: number, embedding: Float32Array): ItemWrite {
  return {
    id: idOf('aaaa', n),
    modality: 'IMAGE',
    externalId: `picture ${n}`,
    title: null,
    metadata: { bucket: Math.floor(n / CAPTION_EACH) % GROUPS },
    contentHash: createHash('sha256').update(`picture ${n}`).digest('hex'),
    pairKey: null,
    classNames: [`class ${Math.floor(n / (CAPTION_EACH * GROUPS)) % GROUPS}`],
    image: { mediaType: 'image/png', width: 64, height: 64, bytes: 1, pictureHash: null },
    text: null,
    features: new Map(),
    embeddings: new Map([[ENCODER, embedding]]),
  };
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
