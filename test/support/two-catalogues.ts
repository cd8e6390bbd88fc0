import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { createMediaStore, type MediaStore } from '../../src/media/media-store.js';
import { contentOf, readTar } from '../../src/platform/tar/tar-reader.js';
import { ArchiveExport } from '../../src/services/archive/archive-export.js';
import { pictureIn } from '../../src/services/archive/archive-format.js';
import { ArchiveImport, type ImportOptions } from '../../src/services/archive/archive-import.js';
import { drawShape } from '../factories/shapes.js';
import { createTestDatabase, type DatabaseKind, emptyCatalog } from './catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from './catalog-items.js';

const EXTRACTOR = 'dir:/models/é "quoted"#1';
export const TEXTS = 'texts-1';

/** A catalogue that is exported or imported into. */
export interface Side {
  readonly catalog: Catalog;
  readonly media: MediaStore;
  readonly exporting: ArchiveExport;
  run(path: string, options?: ImportOptions): ReturnType<ArchiveImport['run']>;
}

/** Two catalogues, of which one is filled, and its archive. */
export class TwoCatalogues {
  private constructor(
    readonly folder: string,
    readonly source: Side,
    readonly target: Side,
    readonly archive: string,
    private readonly closing: readonly (() => Promise<void>)[],
  ) {}

  static async open(kind: DatabaseKind): Promise<TwoCatalogues> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-archive-'));
    const closing: (() => Promise<void>)[] = [];
    const open = async (name: string): Promise<Side> => {
      const database = kind === 'server' ? await createTestDatabase() : null;
      const dataDir = join(folder, name);
      const catalog = await openCatalog({ dataDir, databaseUrl: database?.url ?? null, sharedBuffers: 32 });
      closing.push(async () => {
        await catalog.close();
        await database?.drop();
      });
      const media = await createMediaStore({ directory: join(dataDir, 'media') });
      const importing = new ArchiveImport(catalog, media);
      return {
        catalog,
        media,
        exporting: new ArchiveExport(catalog, media, join(dataDir, 'runs')),
        run: (path, options) => importing.run(path, options),
      };
    };
    const [source, target] = [await open('source'), await open('target')];
    await fillCatalogue(source);
    const archive = join(folder, 'archive.tar');
    await exportTo(source, archive);
    return new TwoCatalogues(folder, source, target, archive, closing);
  }

  /** Leaves nothing in the target. */
  async emptyTarget(): Promise<void> {
    await emptyCatalog(this.target.catalog);
    for await (const { sha256 } of this.target.media.files()) await this.target.media.remove(sha256);
  }

  async close(): Promise<void> {
    for (const close of this.closing) await close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function exportTo({ exporting }: Side, path: string): Promise<void> {
  await pipeline(exporting.stream(), createWriteStream(path));
}

/** The members of an archive by name. */
export async function contentsOf(path: string): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const entry of readTar(path, pictureIn)) found.set(entry.name, await contentOf(entry, 2 ** 30));
  return found;
}

/** The bytes of all pictures, in base64. */
export async function bytesOf(media: MediaStore): Promise<Map<string, string>> {
  const found: [string, string][] = [];
  for await (const { sha256 } of media.files())
    found.push([sha256, (await media.image(sha256).read()).toString('base64')]);
  return new Map(found.sort());
}

/** Stores an encoder without networks. */
export async function storeEncoder(catalog: Catalog, state: 'active' | 'ready'): Promise<string> {
  const id = randomUUID();
  await catalog.encoders.create(
    {
      id,
      dimension: 4,
      imageExtractor: EXTRACTOR,
      textExtractor: TEXTS,
      config: { seed: 7 },
      report: { pairs: 3, notes: ['ü'] },
    },
    Buffer.from(`weights of ${id}`),
  );
  if (state === 'active') await catalog.encoders.activate(id);
  return id;
}

/** Three pictures, of which two have items, 303 texts, classes with and without items, and two encoders. */
async function fillCatalogue({ catalog, media }: Side): Promise<void> {
  const random = randomOf(5);
  const [retired, active] = [await storeEncoder(catalog, 'active'), await storeEncoder(catalog, 'active')];
  const embeddings = () => new Map([retired, active].map((id) => [id, randomUnit(4, random)]));
  const images = [];
  for (const [n, colour] of (['red', 'blue', 'green'] as const).entries()) {
    const bytes = await drawShape('circle', colour);
    const stored = await media.put(bytes);
    if (n === 2) {
      await catalog.media.record(stored);
      continue;
    }
    const pictureHash = { hash: -(2n ** 62n) + BigInt(n), detail: new Uint8Array(64).fill(n) };
    images.push(
      imageWrite('', {
        contentHash: stored.sha256,
        externalId: `image-${n}`,
        title: 'A "title"\nof two lines \u{1f600}',
        pairKey: `pair-${n}`,
        classNames: ['red', 'blue'],
        metadata: { nested: { list: [1, null, 'x'] } },
        image: { ...stored, pictureHash },
        features: new Map([[EXTRACTOR, randomUnit(6, random)]]),
        embeddings: embeddings(),
      }),
    );
  }
  const texts = Array.from({ length: 303 }, (_, n) =>
    textWrite(`text number ${n}`, {
      externalId: n % 2 === 0 || n < 3 ? `text-${n}` : null,
      pairKey: n < 3 ? `pair-${n}` : null,
      classNames: n % 3 === 0 && n < 300 ? ['red'] : [],
      text: { text: `text number ${n}`, language: n % 5 === 0 ? 'en' : null },
      features: new Map([[TEXTS, randomUnit(5, random)]]),
      embeddings: embeddings(),
    }),
  );
  await catalog.items.upsertMany([...images, ...texts]);
  await catalog.classes.create('lonely', 'without items');
  // Numbers that JavaScript cannot hold.
  await catalog.database.run(
    `UPDATE item SET metadata = '{"big": 123456789012345678901234567890, "small": 0.1000000000000000055511151231257827}', updated_at = timestamptz '2026-01-02 03:04:05.678+00'
     WHERE external_id = 'text-0'`,
  );
  const [red] = await catalog.database.run<{ id: string; name: string; description: null }>(
    `SELECT id, name, description FROM class WHERE name = 'red'`,
  );
  if (red) await catalog.vectorWrites.putClassFeatures(TEXTS, [{ row: red, vector: randomUnit(5, random) }]);
  await catalog.database.run(
    `INSERT INTO encoder_evaluation (encoder_id, state, record, finished_at) VALUES ($1, 'done', '{"map": 0.5}', now())`,
    [active],
  );
}
