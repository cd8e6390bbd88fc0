import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MediaBucket } from '../../src/domain/media-bucket.js';

const CHILD = fileURLToPath(new URL('s3-server-child.mjs', import.meta.url));

export interface TestS3 {
  readonly options: MediaBucket;
  /** Kills the server. Its objects stay. */
  stop(): Promise<void>;
  /** Starts again on the same port, with the same objects. */
  start(): Promise<void>;
  /** Stops, and removes all objects. */
  dispose(): Promise<void>;
}

/**
 * An S3 server with the bucket `pictures`.
 *
 * @param signed whether wrong signatures are refused. The server checks those of lists wrongly, so lists are always refused then.
 */
export async function startS3({ signed = false } = {}): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'commonspace-s3-'));
  let child: ChildProcess | null = null;
  let port = 0;
  const start = async () => {
    child = fork(CHILD, [directory, String(port), String(signed)], {
      execArgv: ['--openssl-legacy-provider'],
    });
    const [listening] = (await once(child, 'message')) as [{ readonly port: number }];
    port = listening.port;
  };
  const stop = async () => {
    if (child === null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    child = null;
  };
  await start();
  return {
    options: {
      bucket: 'pictures',
      prefix: 'a/prefix',
      endpoint: `http://127.0.0.1:${port}`,
      region: 'us-east-1',
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      sessionToken: null,
    },
    start,
    stop,
    dispose: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
