import { readFile, rm } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { CommonspaceError, throwIfCancelled } from '../domain/errors.js';
import type { MediaBucket } from '../domain/media-bucket.js';
import { createAtomicFiles } from './files.js';
import type { ListedObject, ObjectStore, OpenedObject } from './object-store.js';

export interface S3Limits {
  /** For a connection. */
  readonly connectMs: number;
  /** From a request to the head of its answer. */
  readonly answerMs: number;
  /** For an operation with its repetitions, and to read a body into memory. */
  readonly wholeMs: number;
  /** Objects that one request lists. */
  readonly pageSize: number;
}

const LIMITS: S3Limits = { connectMs: 3_000, answerMs: 15_000, wholeMs: 60_000, pageSize: 1_000 };
/** A connection that carries nothing for so long is closed, for example while a caller does not read what it asked for. */
const IDLE_MS = 60_000;
/** Attempts of the library, with growing waits. */
const ATTEMPTS = 3;
/** Statuses that are not the fault of the request. */
const PASSING: ReadonlySet<number> = new Set([408, 429]);

/**
 * Objects in S3-compatible object storage.
 *
 * @param options.directory for temporary files
 * @param options.report receives an outage at the start, which is no reason not to start
 * @throws CommonspaceError BAD_CONFIG if the bucket does not exist or refuses the credentials; DATA_FOLDER_NOT_WRITABLE
 */
export async function createS3Store(
  options: MediaBucket & {
    readonly directory: string;
    readonly report: (error: unknown) => void;
    readonly limits?: S3Limits;
  },
): Promise<ObjectStore> {
  const { bucket, prefix, endpoint, region, sessionToken, limits = LIMITS } = options;
  const files = await createAtomicFiles(options.directory);
  // Loaded here: a catalogue in a folder does not need it.
  const sdk = await import('@aws-sdk/client-s3');
  const { accessKeyId, secretAccessKey } = options;
  const client = new sdk.S3Client({
    region,
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== null && { sessionToken }) },
    maxAttempts: ATTEMPTS,
    // Many compatible servers do not know the checksums that are optional.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: limits.connectMs,
      requestTimeout: limits.answerMs,
      throwOnRequestTimeout: true,
      socketTimeout: IDLE_MS,
    },
  });
  const store = new S3Store({
    sdk,
    client,
    files,
    bucket,
    limits,
    prefix: prefix === '' ? '' : `${prefix}/`,
  });
  try {
    await store.probe();
  } catch (error) {
    if (isPermanent(error)) {
      const message = `COMMONSPACE_MEDIA: the bucket "${bucket}" cannot be used (${reasonOf(error)}).`;
      throw new CommonspaceError('BAD_CONFIG', message, ['COMMONSPACE_MEDIA'], { cause: harmless(error) });
    }
    options.report(unreachable(error));
  }
  return store;
}

interface Parts {
  readonly sdk: typeof import('@aws-sdk/client-s3');
  readonly client: S3Client;
  readonly files: Awaited<ReturnType<typeof createAtomicFiles>>;
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
  readonly limits: S3Limits;
}

class S3Store implements ObjectStore {
  readonly place: string;

  constructor(private readonly parts: Parts) {
    this.place = `s3://${parts.bucket}/${parts.prefix}`;
  }

  async size(key: string, signal?: AbortSignal): Promise<number | null> {
    const { sdk, client } = this.parts;
    const command = new sdk.HeadObjectCommand(this.at(key));
    const head = await this.run(
      (abortSignal) => unlessMissing(client.send(command, { abortSignal })),
      signal,
    );
    return head === null ? null : (head.ContentLength ?? 0);
  }

  async open(key: string): Promise<OpenedObject | null> {
    const found = await this.run((abortSignal) => this.get(key, abortSignal));
    return found === null ? null : { bytes: found.bytes, stream: found.stream };
  }

  read(key: string, signal?: AbortSignal): Promise<Buffer | null> {
    return this.run(async (abortSignal) => {
      const found = await this.get(key, abortSignal);
      if (found === null) return null;
      const bytes = Buffer.allocUnsafe(found.bytes);
      let total = 0;
      for await (const chunk of addAbortSignal(abortSignal, found.stream) as AsyncIterable<Uint8Array>) {
        if (total + chunk.length > bytes.length) throw new Error('the body is longer than its head says');
        bytes.set(chunk, total);
        total += chunk.length;
      }
      if (total < bytes.length) throw new Error('the body is shorter than its head says');
      return bytes;
    }, signal);
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    const { sdk, client } = this.parts;
    const command = new sdk.PutObjectCommand({ ...this.at(key), Body: bytes });
    await this.run((abortSignal) => client.send(command, { abortSignal }));
  }

  async remove(keys: readonly string[]): Promise<void> {
    const { sdk, client } = this.parts;
    // One by one: the checksum that a request for several needs differs between servers.
    const commands = keys.map((key) => new sdk.DeleteObjectCommand(this.at(key)));
    await Promise.all(
      commands.map((command) =>
        this.run((abortSignal) => unlessMissing(client.send(command, { abortSignal }))),
      ),
    );
  }

  /** A local copy, because a second object would cost two more requests for each picture. */
  async hold(key: string, bytes: Uint8Array) {
    const path = await this.parts.files.temporary(bytes);
    return {
      path,
      restore: async () => this.write(key, await readFile(path)),
      release: () => rm(path, { force: true }),
    };
  }

  async *list(folder: string): AsyncGenerator<ListedObject> {
    const { sdk, client, bucket: Bucket, prefix, limits } = this.parts;
    for (let token: string | undefined; ; ) {
      const command = new sdk.ListObjectsV2Command({
        Bucket,
        Prefix: `${prefix}${folder}`,
        ContinuationToken: token,
        MaxKeys: limits.pageSize,
      });
      const page = await this.run((abortSignal) => client.send(command, { abortSignal }));
      for (const { Key, LastModified } of page.Contents ?? []) {
        const key = (Key ?? '').slice(prefix.length);
        const [, name] = /^[0-9a-f]{2}\/[0-9a-f]{2}\/([^/]+)$/.exec(key.slice(folder.length)) ?? [];
        if (name !== undefined) yield { key, name, changedAt: LastModified?.getTime() ?? 0 };
        // What follows is in other folders: keys are sorted.
        else if (key.slice(folder.length) > 'g') return;
      }
      token = page.NextContinuationToken;
      if (token === undefined) return;
    }
  }

  pathOf(): null {
    return null;
  }

  removeLeftovers(): Promise<void> {
    return this.parts.files.removeLeftovers();
  }

  async problem(): Promise<string | null> {
    try {
      await this.probe();
      return null;
    } catch (error) {
      return `it cannot be used (${reasonOf(error)})`;
    }
  }

  /** A small request. @throws the library's error */
  async probe(): Promise<void> {
    const { sdk, client, bucket: Bucket, prefix: Prefix, limits } = this.parts;
    const command = new sdk.ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 });
    await client.send(command, { abortSignal: AbortSignal.timeout(limits.answerMs) });
  }

  private at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.parts.bucket, Key: `${this.parts.prefix}${key}` };
  }

  private async get(key: string, abortSignal: AbortSignal) {
    const { sdk, client } = this.parts;
    const found = await unlessMissing(client.send(new sdk.GetObjectCommand(this.at(key)), { abortSignal }));
    return found === null ? null : { bytes: found.ContentLength ?? 0, stream: found.Body as Readable };
  }

  /** @throws CommonspaceError MEDIA_UNREACHABLE, CANCELLED */
  private async run<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const deadline = new AbortController();
    // It ends with the work: a stream that the caller reads afterwards has no deadline.
    const timer = setTimeout(() => deadline.abort(), this.parts.limits.wholeMs);
    try {
      return await work(signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]));
    } catch (error) {
      throwIfCancelled(signal);
      throw unreachable(deadline.signal.aborted ? { name: 'TimeoutError' } : error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What is read of an error of the library. */
interface S3Failure {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Null if there is no such object. The head of an object in a bucket that does not exist says the same. */
async function unlessMissing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    const { name } = error as S3Failure;
    if (name === 'NoSuchKey' || name === 'NotFound') return null;
    throw error;
  }
}

/** Whether the server refuses what it is configured with. */
function isPermanent(error: unknown): boolean {
  const status = (error as S3Failure).$metadata?.httpStatusCode ?? 0;
  return status >= 300 && status < 500 && !PASSING.has(status);
}

function unreachable(error: unknown): CommonspaceError {
  const message = `The object storage of pictures cannot be used (${reasonOf(error)}). Try again later.`;
  return new CommonspaceError('MEDIA_UNREACHABLE', message, [], { cause: harmless(error) });
}

/** Only a name: messages contain addresses and parts of signatures. */
function reasonOf(error: unknown): string {
  const { name, code, $metadata } = error as S3Failure;
  return (
    code ?? (name === undefined || name === 'Error' ? String($metadata?.httpStatusCode ?? 'unknown') : name)
  );
}

/** For the log. The library's errors have the identity of the key and what was signed among their fields. */
function harmless(error: unknown): Error {
  return new Error(
    `object storage: ${reasonOf(error)}, status ${(error as S3Failure).$metadata?.httpStatusCode ?? 'none'}`,
  );
}
