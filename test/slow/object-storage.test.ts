import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommonspaceError, RETRY_AFTER_SECONDS } from '../../src/domain/errors.js';
import type { MediaBucket } from '../../src/domain/media-bucket.js';
import { createS3Store, type S3Limits } from '../../src/media/s3-store.js';
import { startS3, type TestS3 } from '../support/s3-server.js';

let s3: TestS3;
let directory: string;

beforeAll(async () => {
  s3 = await startS3();
  directory = await mkdtemp(join(tmpdir(), 'commonspace-objects-'));
});
afterAll(async () => {
  await s3.dispose();
  await rm(directory, { recursive: true, force: true });
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** The objects below a prefix. */
const objects = (prefix: string, more: Partial<MediaBucket> = {}, limits: Partial<S3Limits> = {}) =>
  createS3Store({
    ...s3.options,
    prefix,
    ...more,
    directory: join(directory, 'tmp'),
    report: (error) => reported.push(error),
    limits: { connectMs: 500, answerMs: 500, wholeMs: 1_500, pageSize: 1_000, ...limits },
  });
const reported: unknown[] = [];
const PATIENT = { connectMs: 3_000, answerMs: 10_000, wholeMs: 20_000 };

describe('object storage', () => {
  it('lists the objects of several pages, sorted', async () => {
    const store = await objects('many', {}, { ...PATIENT, pageSize: 7 });
    const keys = Array.from({ length: 40 }, (_, i) => {
      const name = sha256(String(i));
      return `${name.slice(0, 2)}/${name.slice(2, 4)}/${name}`;
    });
    await Promise.all(
      [...keys, ...keys.map((key) => `thumbnails/${key}-64.webp`)].map((key) =>
        store.write(key, Buffer.from(key), true),
      ),
    );
    const list = async (folder: string) => {
      const listed: string[] = [];
      for await (const { key, changedAt } of store.list(folder)) {
        listed.push(key);
        expect(Math.abs(changedAt - Date.now())).toBeLessThan(60_000);
      }
      return listed;
    };
    expect(await list('')).toEqual([...keys].sort());
    expect(await list('thumbnails/')).toEqual([...keys].sort().map((key) => `thumbnails/${key}-64.webp`));
  });

  it('is no reason not to start while it does not answer, and is used when it answers again', async () => {
    const bytes = Buffer.from('a picture');
    await s3.stop();
    reported.length = 0;
    const store = await objects('outage');
    expect(reported).toMatchObject([{ code: 'MEDIA_UNREACHABLE' }]);
    expect(await store.problem()).toBe('it cannot be used (ECONNREFUSED)');
    for (const work of [
      () => store.size('a'),
      () => store.read('a'),
      () => store.open('a'),
      () => store.write('a', bytes, true),
      () => store.remove(['a', 'b']),
    ]) {
      await expect(work()).rejects.toMatchObject({
        code: 'MEDIA_UNREACHABLE',
        message: 'The object storage of pictures cannot be used (ECONNREFUSED). Try again later.',
      });
    }
    expect(RETRY_AFTER_SECONDS.MEDIA_UNREACHABLE).toBeGreaterThan(0);
    await s3.start();
    await store.write('a', bytes, true);
    expect((await store.read('a'))?.equals(bytes)).toBe(true);
    expect(await store.problem()).toBeNull();
  });

  it('refuses a configuration that cannot work', async () => {
    await expect(objects('x', { bucket: 'missing' })).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: 'COMMONSPACE_MEDIA: the bucket "missing" cannot be used (NoSuchBucket).',
    });
    const signed = await startS3({ signed: true });
    try {
      const { endpoint } = signed.options;
      const failure = await objects('x', { endpoint, secretAccessKey: 'a-wrong-secret' }).catch(
        (error) => error,
      );
      expect(failure).toMatchObject({ code: 'BAD_CONFIG' });
      expect((failure as CommonspaceError).message).toContain('SignatureDoesNotMatch');
      expect(inspect(failure, { depth: 9 })).not.toMatch(/a-wrong-secret|AWS4|S3RVER/);
    } finally {
      await signed.dispose();
    }
  });

  /** The object store of a server that answers lists, and everything else as the test says. */
  const broken = async (
    answer: RequestListener,
    use: (store: Awaited<ReturnType<typeof objects>>) => Promise<void>,
    limits: Partial<S3Limits> = {},
  ) => {
    const server = createServer((request, response) => {
      if (!request.url?.includes('list-type')) return answer(request, response);
      response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await use(await objects('x', { endpoint: `http://127.0.0.1:${port}` }, limits));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };

  it('gives up a server that accepts requests and does not answer', async () => {
    await broken(
      () => {},
      async (store) => {
        const start = Date.now();
        await expect(store.read('a')).rejects.toMatchObject({
          code: 'MEDIA_UNREACHABLE',
          message: expect.stringContaining('TimeoutError'),
        });
        expect(Date.now() - start).toBeLessThan(4_000);
        const stop = new AbortController();
        const cancelled = store.read('a', stop.signal);
        stop.abort();
        await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
      },
    );
  });

  it('gives up a body that stops, and one that is cut', async () => {
    await broken(
      (_request, response) => response.writeHead(200, { 'content-length': 100 }).write('half'),
      async (store) => {
        await expect(store.read('a')).rejects.toMatchObject({ code: 'MEDIA_UNREACHABLE' });
      },
    );
    await broken(
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('half', () => response.destroy());
      },
      async (store) => {
        await expect(store.read('a')).rejects.toMatchObject({ code: 'MEDIA_UNREACHABLE' });
        const opened = await store.open('a');
        await expect(opened?.stream.toArray()).rejects.toThrow();
      },
    );
  });

  it('reads a stream for longer than an operation may take', async () => {
    await broken(
      (_request, response) => {
        response.writeHead(200, { 'content-length': 8 }).write('slow');
        setTimeout(() => response.end('poke'), 2_000);
      },
      async (store) => {
        const opened = await store.open('a');
        expect(Buffer.concat((await opened?.stream.toArray()) ?? []).toString()).toBe('slowpoke');
      },
    );
  });

  it('tells a passing refusal from a missing object', async () => {
    const xml = (code: string) => `<Error><Code>${code}</Code></Error>`;
    await broken(
      (request, response) => {
        const status = request.url?.includes('missing') ? 404 : 503;
        response.writeHead(status, { 'content-type': 'application/xml' });
        response.end(request.method === 'HEAD' ? undefined : xml(status === 404 ? 'NoSuchKey' : 'SlowDown'));
      },
      async (store) => {
        expect([
          await store.size('missing'),
          await store.read('missing'),
          await store.open('missing'),
        ]).toEqual([null, null, null]);
        await expect(store.read('busy')).rejects.toMatchObject({
          code: 'MEDIA_UNREACHABLE',
          message: expect.stringContaining('SlowDown'),
        });
      },
      PATIENT,
    );
  });
});
