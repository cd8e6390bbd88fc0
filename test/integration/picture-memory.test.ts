import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PICTURE_MEMORY_BYTES } from '../../src/media/picture-memory.js';
import { type ImageSource, ImageSources } from '../../src/services/serving/image-source.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { writeLargePicture } from '../support/large-picture.js';

const MB = 2 ** 20;
let app: TestApp;
let folder: string;
let png: Buffer;
let server: Server;
let address: string;

beforeAll(async () => {
  app = await openTestApp('embedded', { fetchAllow: ['127.0.0.1/32'] });
  folder = await mkdtemp(join(tmpdir(), 'picture-memory-'));
  png = await drawShape('ring', 'black', 32);
  // Without a length, so that the largest picture must be reserved.
  server = createServer((_request, response) => void response.write(png, () => response.end(png)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
  await app.close();
});

describe('the memory of pictures', () => {
  it('refuses a file that is too large before it is read', async () => {
    const path = join(folder, 'huge.png');
    await writeLargePicture(path, png, 'huge', 2_000 * MB);
    const before = process.memoryUsage().arrayBuffers;
    const [outcome] = await app.ingest.ingest([{ content: { path } }]);
    expect(outcome).toMatchObject({
      status: 'FAILED',
      error: { code: 'IMAGE_TOO_LARGE', field: ['input', 'items', '0', 'content', 'path'] },
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MB);
  });

  it('is counted for pictures from addresses, in base64 and in files together', async () => {
    const path = join(folder, 'large.png');
    await writeLargePicture(path, png, 'large', 15 * MB);
    const imageBase64 = Buffer.alloc(15 * MB).toString('base64');
    const images = new ImageSources(app.catalog, app.store, { allowNetworks: ['127.0.0.1/32'] });
    const kinds: readonly { source: ImageSource; weight: number }[] = [
      { source: { path }, weight: 15 * MB },
      { source: { imageBase64 }, weight: 15 * MB },
      { source: { imageUrl: address }, weight: 20 * MB },
    ];
    let now = 0;
    let most = 0;
    const use = ({ source, weight }: (typeof kinds)[number]) =>
      images.use(source, [], {}, async () => {
        now += weight;
        most = Math.max(most, now);
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= weight;
      });
    await Promise.all(Array.from({ length: 18 }, (_, i) => use(kinds[i % 3] as (typeof kinds)[number])));
    expect(most).toBeGreaterThan(PICTURE_MEMORY_BYTES / 2);
    expect(most).toBeLessThanOrEqual(PICTURE_MEMORY_BYTES);
  });
});
