import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HASHED_SIZE } from '../../src/domain/perceptual-hash.js';
import { hashPicture } from '../../src/domain/picture-hash.js';
import { decodeRgb } from '../../src/media/decode.js';
import { HashBackfill } from '../../src/services/serving/hash-backfill.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import { pathOf } from '../support/media-files.js';

describeOnEachKind('perceptual hashes', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(async () => {
    expect(app.unexpected).toEqual([]);
    await app.close();
  });

  async function store(externalId: string, content: Buffer | string): Promise<string> {
    const [outcome] = await app.ingest.ingest([
      { externalId, content: typeof content === 'string' ? { text: content } : { bytes: content } },
    ]);
    if (outcome === undefined || outcome.status === 'FAILED') throw new Error(JSON.stringify(outcome));
    return outcome.item.id;
  }
  const hashOf = async (bytes: Buffer) => hashPicture((await decodeRgb(bytes, HASHED_SIZE)).data);

  it('are stored by ingest, replaced with the image, and absent of texts', async () => {
    const [ring, cross] = await Promise.all([drawShape('ring', 'red'), drawShape('cross', 'blue')]);
    const image = await store('picture', ring);
    const text = await store('words', 'a red ring');
    expect(await app.catalog.items.perceptualHashes([image, text])).toEqual(
      new Map([[image, await hashOf(ring)]]),
    );
    await store('picture', cross);
    expect((await app.catalog.items.perceptualHashes([image])).get(image)).toEqual(await hashOf(cross));
  });

  it('are computed later for images that have none, unless the file cannot be read', async () => {
    const circle = await drawShape('circle', 'green');
    const good = await store('good', circle);
    const lost = await store('lost', await drawShape('triangle', 'yellow'));
    await app.catalog.database.run('UPDATE item SET perceptual_hash = NULL, perceptual_detail = NULL');
    const row = await app.items.byId(lost);
    await rm(pathOf(app.store.image(row?.contentHash ?? '')));
    await new HashBackfill(app.catalog, app.store).fill();
    expect(await app.catalog.items.perceptualHashes([good, lost])).toEqual(
      new Map([[good, await hashOf(circle)]]),
    );
  });

  it('are not stored late for content that was replaced meanwhile', async () => {
    const id = await store('changing', await drawShape('square', 'black'));
    const before = await app.catalog.items.perceptualHashes([id]);
    await app.catalog.hashes.fill([
      { id, contentHash: 'f'.repeat(64), picture: { hash: 1n, detail: new Uint8Array(64) } },
    ]);
    expect(await app.catalog.items.perceptualHashes([id])).toEqual(before);
  });
});
