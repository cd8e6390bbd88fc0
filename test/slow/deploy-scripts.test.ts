import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMediaStore } from '../../src/media/media-store.js';
import { cliEnvironment } from '../support/cli.js';
import { check, DEPLOY, ROOT } from '../support/deploy-files.js';
import { startS3 } from '../support/s3-server.js';
import { ServerProcess } from '../support/server-process.js';

/** The scripts of deploy/ that run in the container of Commonspace, in whose folder they find the program and its packages. */

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-scripts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('prometheus/make-key.sh makes one key, which may read the metrics and no more', async () => {
  const data = join(folder, 'data');
  const path = join(folder, 'metrics-key');
  const make = () =>
    check('sh', [join(DEPLOY, 'prometheus/make-key.sh'), path], {
      cwd: ROOT,
      env: cliEnvironment({ COMMONSPACE_DATA: data }),
    });
  expect(make()).toEqual({ status: 0, output: '' });
  const key = await readFile(path, 'utf8');
  expect(key).toMatch(/^\S{16,}$/);
  expect(make()).toEqual({ status: 0, output: '' });
  expect(await readFile(path, 'utf8')).toBe(key);

  const server = await ServerProcess.start(data);
  const headers = { authorization: `Bearer ${key}` };
  expect((await fetch(`${server.address}/metrics`)).status).toBe(401);
  expect((await fetch(`${server.address}/metrics`, { headers })).status).toBe(200);
  expect((await fetch(`${server.address}/uploads`, { method: 'POST', headers, body: '{}' })).status).toBe(
    403,
  );
  await server.stop();
});

it('storage/make-bucket.mjs makes the bucket, once', async () => {
  const s3 = await startS3();
  const media = { ...s3.options, bucket: 'a-new-bucket', prefix: '' };
  const open = () => createMediaStore({ directory: folder, s3: media });
  await expect(open()).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  const make = () =>
    check('node', [join(DEPLOY, 'storage/make-bucket.mjs')], {
      cwd: ROOT,
      env: {
        ...process.env,
        COMMONSPACE_MEDIA: `s3://${media.bucket}`,
        COMMONSPACE_S3_ENDPOINT: media.endpoint ?? '',
        AWS_ACCESS_KEY_ID: media.accessKeyId,
        AWS_SECRET_ACCESS_KEY: media.secretAccessKey,
      },
    });
  expect(make()).toEqual({ status: 0, output: '' });
  expect(make()).toEqual({ status: 0, output: '' });
  await expect(open()).resolves.toBeDefined();
  await s3.dispose();
});
