import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommonspaceError } from '../../src/domain/errors.js';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { HubOptions } from '../../src/features/hub/hub-options.js';
import { inFolder } from '../../src/features/hub/in-folder.js';
import { contentOf, type ModelFiles, saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

const COMMIT = 'a'.repeat(40);
const FILES: ModelFiles = { ...TINY_CLIP, 'README.md': Buffer.from('not needed') };

let data: string;
let server: Server;
let endpoint: string;
/** What the hub does with a request before its usual answer; true: it has answered. */
let intercept: (...args: Parameters<RequestListener>) => boolean;
let requests: string[];

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'commonspace-hub-'));
  intercept = () => false;
  requests = [];
  server = createServer((request, response) => {
    const range = request.headers.range === undefined ? '' : ` ${request.headers.range}`;
    requests.push(`${request.url}${range}`);
    if (!intercept(request, response)) answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(data, { recursive: true });
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Large files have a sha256 in the hub's list, small ones the hash of git. */
function listed(files: ModelFiles): object {
  const siblings = Object.entries(files).map(([rfilename, content]) => {
    const bytes = contentOf(content);
    const blobId = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    const lfs = rfilename.endsWith('.onnx') && { lfs: { sha256: sha256(bytes), size: bytes.length } };
    return { rfilename, size: bytes.length, blobId, ...lfs };
  });
  return { sha: COMMIT, siblings };
}

const answer: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? '/', endpoint);
  if (pathname === '/api/models/org/tiny/revision/main')
    return void response.end(JSON.stringify(listed(FILES)));
  const file = FILES[pathname.replace(`/org/tiny/resolve/${COMMIT}/`, '')];
  if (file === undefined) return void response.writeHead(404).end();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200).end(contentOf(file).subarray(from));
};

const hub = (changes: Partial<HubOptions> = {}): HubOptions => ({
  folder: join(data, 'models'),
  endpoint,
  maxBytes: 2 ** 20,
  retryMs: 1,
  ...changes,
});

const failure = async (name: string, options = hub()): Promise<CommonspaceError> =>
  inFolder(name, options).then(
    () => Promise.reject(new Error('no error')),
    (error: CommonspaceError) => error,
  );

const left = async () => (await readdir(data, { recursive: true })).sort();
const isFile = (name: string) => requests.filter((url) => url.includes(name));

describe('a model of a hub', () => {
  it('is downloaded once, with its commit and hashes recorded, and used from then on', async () => {
    const open = () =>
      createFeatureExtractors({ image: 'hf:org/tiny', text: 'hf:org/tiny', workers: 1, hub: hub() });
    const features = await open();
    const folder = join(data, 'models', 'org', 'tiny');
    expect(features.image).toMatchObject({ name: 'hf:org/tiny', id: expect.stringMatching(/^tiny\.image@/) });
    expect(features.image.space).toBe(features.text.space);
    expect(await features.text.extract(['a red ring'])).toHaveLength(1);
    await features.close();
    const record = JSON.parse(await readFile(join(folder, 'commonspace-download.json'), 'utf8'));
    const graph = 'onnx/text_model.onnx';
    const bytes = contentOf(FILES[graph] as Uint8Array);
    expect(record).toMatchObject({ repository: 'org/tiny', revision: 'main', commit: COMMIT });
    expect(record.files[graph]).toEqual({ bytes: bytes.length, sha256: sha256(bytes) });
    expect(Object.keys(record.files).sort()).toEqual(Object.keys(TINY_CLIP).sort());
    const before = requests.length;
    expect(isFile('README')).toEqual([]);
    await (await open()).close();
    expect(requests).toHaveLength(before);
    // The folder can move to a machine without a network, without the record, and keeps its id.
    const copy = await saveOnnx(join(data, 'elsewhere', 'tiny'), TINY_CLIP);
    const again = await createFeatureExtractors({ image: copy, workers: 1 });
    expect(again.image.id).toBe(features.image.id);
    await again.close();
  });

  it('is not used if a file is not what was downloaded', async () => {
    const name = await inFolder('hf:org/tiny', hub());
    await writeFile(join(data, 'models', 'org', 'tiny', 'tokenizer_config.json'), '{"model_max_length": 5}');
    await expect(createFeatureExtractors({ text: name, workers: 1 })).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/tokenizer_config\.json: has sha256 .* the record of the download says/),
    });
  });

  it('resumes a file that breaks off', async () => {
    let broken = 0;
    intercept = (request, response) => {
      if (!request.url?.endsWith('text_model.onnx') || broken++ > 1) return false;
      const bytes = contentOf(FILES['onnx/text_model.onnx'] as Uint8Array);
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from });
      // Later than the bytes: what has not been read when a connection breaks off is lost.
      response.write(bytes.subarray(from, from + 100), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    await inFolder('hf:org/tiny', hub());
    expect(isFile('text_model').map((url) => url.split(' ')[1] ?? 'all')).toEqual([
      'all',
      'bytes=100-',
      'bytes=200-',
    ]);
  });

  it('leaves nothing behind if it keeps breaking off', async () => {
    intercept = (request, response) => {
      if (!request.url?.endsWith('.onnx')) return false;
      response.writeHead(200, { 'content-length': 1000 }).write('part', () => response.destroy());
      return true;
    };
    const error = await failure('hf:org/tiny');
    expect(error.code).toBe('MODEL_UNAVAILABLE');
    expect(await left()).toEqual(['models']);
  });

  it('refuses files whose hash is wrong, after another try', async () => {
    intercept = (request, response) => {
      if (!request.url?.endsWith('vision_model.onnx')) return false;
      response.end(contentOf(FILES['onnx/vision_model.onnx'] as Uint8Array).map((byte) => byte ^ 1));
      return true;
    };
    const error = await failure('hf:org/tiny');
    expect(error).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringMatching(/vision_model\.onnx has the hash .* the hub says/),
    });
    expect(isFile('vision_model').length).toBeGreaterThan(1);
    expect(await left()).toEqual(['models']);
    // A small file has the hash of git.
    intercept = (request, response) => {
      if (!request.url?.endsWith('/config.json')) return false;
      response.end('{"model_type": "evil"}'.padEnd(contentOf(FILES['config.json'] as object).length));
      return true;
    };
    expect((await failure('hf:org/tiny')).message).toMatch(/config\.json has the hash/);
  });

  it('says what to do where the hub cannot be reached', async () => {
    const nowhere = 'http://127.0.0.1:9';
    const error = await failure('hf:org/tiny', hub({ endpoint: nowhere }));
    expect(error.code).toBe('MODEL_UNAVAILABLE');
    expect(error.message).toContain(`cannot be downloaded from ${nowhere}: ECONNREFUSED`);
    expect(error.message).toContain(`into ${join(data, 'models', 'org', 'tiny')}`);
    // As the message says: the folder is used if it is there.
    await saveOnnx(join(data, 'models', 'org', 'tiny'), TINY_CLIP);
    const features = await createFeatureExtractors({
      text: 'hf:org/tiny',
      workers: 1,
      hub: hub({ endpoint: nowhere }),
    });
    expect(features.text.dimension).toBe(5);
    await features.close();
  });

  it('keeps to the limit of bytes, whatever the hub says', async () => {
    expect((await failure('hf:org/tiny', hub({ maxBytes: 1000 }))).message).toContain(
      'COMMONSPACE_MODEL_MEGABYTES allows',
    );
    intercept = (request, response) => {
      if (!request.url?.endsWith('/config.json')) return false;
      response.end('x'.repeat(100_000));
      return true;
    };
    expect((await failure('hf:org/tiny')).message).toMatch(/config\.json has more than \d+ bytes/);
    expect(await left()).toEqual(['models']);
  });

  it('does not follow the hub into a private network', async () => {
    const other = createServer((_request, response) => response.end('secret'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    intercept = (request, response) => {
      if (!request.url?.endsWith('/config.json')) return false;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/x` }).end();
      return true;
    };
    expect((await failure('hf:org/tiny')).message).toContain('in a network that is not allowed');
    other.close();
  });

  it('has a graph of the variant, and a revision that exists', async () => {
    expect((await failure('hf:org/tiny#q4')).message).toMatch(
      /no graph onnx\/vision_model_q4\.onnx.*its graphs are onnx\/vision_model\.onnx/,
    );
    expect((await failure('hf:org/tiny@v2')).message).toContain('status 404');
    intercept = (_request, response) => {
      response.end('<html>a proxy</html>');
      return true;
    };
    expect((await failure('hf:org/tiny')).message).toContain('malformed list');
  });

  it('removes what a killed download has left, and leaves a running one alone', async () => {
    const parent = join(data, 'models', 'org');
    for (const [name, hours] of [
      ['tiny.download-old', 2],
      ['tiny.download-new', 0],
    ] as const) {
      await mkdir(join(parent, name, 'onnx'), { recursive: true });
      await writeFile(join(parent, name, 'onnx', 'part'), 'x');
      const then = new Date(Date.now() - hours * 3_600_000);
      for (const path of ['onnx/part', 'onnx', '.']) await utimes(join(parent, name, path), then, then);
    }
    await inFolder('hf:org/tiny', hub());
    expect((await readdir(parent)).sort()).toEqual(['tiny', 'tiny.download-new']);
  });
});
