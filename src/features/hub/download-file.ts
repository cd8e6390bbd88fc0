import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { CommonspaceError } from '../../domain/errors.js';
import { hubGet } from './hub-get.js';
import { type HubFile, unavailable } from './hub-listing.js';
import type { HubOptions } from './hub-options.js';

const ATTEMPTS = 4;
const RETRY_MS = 1000;

/**
 * Downloads one file and compares it with the hub's hash. What arrived before a connection broke off is kept, and the rest is
 * requested; a file with a wrong hash is downloaded once more from its start.
 *
 * @param most bytes at most
 * @throws CommonspaceError MODEL_UNAVAILABLE, FETCH_FAILED, ADDRESS_NOT_ALLOWED; or the error of the network or the disk
 */
export async function downloadFile(
  hub: HubOptions,
  path: string,
  expected: HubFile,
  target: string,
  most: number,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  await mkdir(dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await fetchRest(hub, path, target, expected.bytes ?? most);
      return await checked(target, expected);
    } catch (error) {
      if (attempt === ATTEMPTS || hub.signal?.aborted || !mayRecover(error)) throw error;
      await setTimeout((hub.retryMs ?? RETRY_MS) * 2 ** (attempt - 1));
    }
  }
}

/** Appends what is missing. A server that does not know ranges sends the whole file, which replaces the part. */
async function fetchRest(hub: HubOptions, path: string, target: string, most: number): Promise<void> {
  const have = await stat(target).then(
    ({ size }) => size,
    () => 0,
  );
  if (have > 0 && have === most) return;
  const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {};
  await hubGet(hub, path, headers, async ({ statusCode, body }, alive) => {
    const isRest = have > 0 && statusCode === 206;
    let total = isRest ? have : 0;
    // Not a stream: when a connection breaks off, a stream drops the chunks that it has buffered.
    const file = await open(target, isRest ? 'a' : 'w');
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        alive();
        total += chunk.length;
        if (total > most) throw unavailable(`${path} has more than ${most} bytes`);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
  });
}

async function checked(
  target: string,
  { path, bytes, sha256, blob }: HubFile,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const { size } = await stat(target);
  if (bytes !== null && size < bytes) throw new Interrupted(`${path} ends after ${size} of ${bytes} bytes`);
  const hash = createHash('sha256');
  // git hashes a header with the length before the content.
  const git = createHash('sha1').update(`blob ${size}\0`);
  await pipeline(createReadStream(target), async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      git.update(chunk);
    }
  });
  const got = hash.digest('hex');
  const gotBlob = git.digest('hex');
  const wrong = sha256 !== null ? got !== sha256 : blob !== null && gotBlob !== blob;
  if (wrong) {
    await rm(target);
    const [is, should] = sha256 !== null ? [got, sha256] : [gotBlob, blob];
    throw new Interrupted(`${path} has the hash ${is}, but the hub says ${should}`);
  }
  return { bytes: size, sha256: got };
}

/** A file that was not received as the hub described it. */
class Interrupted extends CommonspaceError {
  constructor(message: string) {
    super('MODEL_UNAVAILABLE', message);
  }
}

/** Whether a retry can help: the connection broke off, or what arrived is damaged. A refusal stays one. */
function mayRecover(error: unknown): boolean {
  if (error instanceof Interrupted) return true;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return /^(UND_ERR_|ECONN|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|EAI_AGAIN)/.test(code);
}
