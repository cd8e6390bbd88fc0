import { createHash, randomUUID } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { mkdir, open, opendir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { CommonspaceError } from '../../../domain/errors.js';
import type { FetchBudget } from '../../../domain/fetch-budget.js';
import { isSha256, isUuid } from '../../../domain/ids.js';
import type { FetchPolicy } from '../../../media/fetch-image.js';
import type { SharedFiles } from '../../../media/shared-files.js';
import { parseNetworks } from '../../../platform/address-guard.js';
import { diskFailure } from '../../../platform/disk-failure.js';
import { guardedRequest } from '../../../platform/guarded-request.js';
import { sniffSource } from './source-bytes.js';

/** A sender that sends nothing for this time is given up. */
const SILENT_MS = 60_000;
const MAX_REDIRECTS = 5;
/** A shared file stays for this time longer than one of the folder, because using it does not make it younger. */
const SHARED_LONGER_MS = 24 * 3_600_000;
/** What follows the id of a file that is not complete. */
const PART = '.part';

/** What counts the bytes that are fetched. */
export type CopyBudget = Pick<FetchBudget, 'begin' | 'spend'>;

export interface UploadedFile {
  /** The hash of its bytes (sha256, hex). */
  readonly id: string;
  readonly bytes: number;
  readonly format: string;
}

/**
 * The files of bulk ingests in the data folder: uploads, under the hash of their bytes, and copies of files at addresses. Where processes share
 * files by object storage, the folder is a cache of what is there.
 */
export class BulkFiles {
  constructor(
    private readonly folder: string,
    /** Bytes of one file at most. */
    readonly maxBytes: number,
    private readonly fetchPolicy: FetchPolicy,
    private readonly shared: SharedFiles | null = null,
  ) {}

  /**
   * Stores a file as it arrives. Equal files are stored once.
   *
   * @throws CommonspaceError FILE_TOO_LARGE, BAD_SOURCE for a file of no known format, FETCH_TIMEOUT if the sender stops sending,
   *   DISK_FULL, MEDIA_UNREACHABLE. Nothing is stored then.
   */
  async receive(body: AsyncIterable<Uint8Array>): Promise<UploadedFile> {
    const part = await this.partOf(randomUUID());
    try {
      const { bytes, id } = await this.write(part, body);
      const { format } = await sniffSource(part);
      await this.shared?.put(id, part);
      await rename(part, this.path(id));
      return { id, bytes, format };
    } finally {
      await rm(part, { force: true });
    }
  }

  /** Finds an upload or a copy, without copying it. @throws CommonspaceError UPLOAD_NOT_FOUND, MEDIA_UNREACHABLE */
  async check(id: string): Promise<void> {
    const found = isFile(id) && ((await this.isHere(id)) || (await this.shared?.has(id)));
    if (!found) throw notFound();
  }

  /**
   * The path of an upload or of a copy, which is copied here if only others have it. It is not swept before another day has passed.
   *
   * @throws CommonspaceError UPLOAD_NOT_FOUND, DISK_FULL, MEDIA_UNREACHABLE, CANCELLED
   */
  async require(id: string, signal?: AbortSignal): Promise<string> {
    const found = isFile(id) && ((await this.isHere(id)) || (await this.copyShared(id, signal)));
    if (!found) throw notFound();
    return this.path(id);
  }

  /**
   * Copies the file at an address, unless that was done before, so that rows stay the same when they are read again.
   *
   * @param id of the copy, a UUID
   * @throws CommonspaceError those of `guardedRequest` and of the budget; FETCH_FAILED, FETCH_TIMEOUT, FILE_TOO_LARGE, DISK_FULL
   */
  async copy(url: string, id: string, signal: AbortSignal, budget: CopyBudget): Promise<string> {
    const path = this.path(id);
    if ((await stat(path).catch(() => null)) || (await this.copyShared(id, signal))) return path;
    budget.begin();
    const part = await this.partOf(id);
    try {
      await this.fetch(url, part, signal, budget);
      await this.shared?.put(id, part, signal);
      await rename(part, path);
      return path;
    } finally {
      await rm(part, { force: true });
    }
  }

  /** Removes files that are older than `before` (milliseconds since 1970), except those in use. @returns how many */
  async sweep(before: number, inUse: ReadonlySet<string>): Promise<number> {
    const opened = await opendir(this.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    let removed = 0;
    for await (const { name } of opened ?? []) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => null);
      if (found === null || found.mtimeMs >= before || inUse.has(name)) continue;
      await rm(path, { force: true });
      removed += 1;
    }
    return removed + ((await this.shared?.sweep(before - SHARED_LONGER_MS, inUse)) ?? 0);
  }

  /** Whether the folder has the file, which is then as good as new. */
  private async isHere(id: string): Promise<boolean> {
    const now = new Date();
    return await utimes(this.path(id), now, now).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  }

  private async copyShared(id: string, signal?: AbortSignal): Promise<boolean> {
    if (this.shared === null) return false;
    await mkdir(this.folder, { recursive: true });
    return await this.shared.get(id, this.path(id), signal);
  }

  private async fetch(url: string, part: string, signal: AbortSignal, budget: CopyBudget): Promise<void> {
    const { allowNetworks = [], resolve = resolveHost } = this.fetchPolicy;
    const silent = new AbortController();
    const timer = setTimeout(() => silent.abort(), SILENT_MS);
    try {
      const rules = {
        networks: parseNetworks(allowNetworks),
        maxRedirects: MAX_REDIRECTS,
        resolve,
        headers: {},
      };
      await guardedRequest(
        url,
        { ...rules, signal: AbortSignal.any([signal, silent.signal]) },
        async ({ body, headers }) => {
          // From here on, the writer notices silence.
          clearTimeout(timer);
          if (Number(headers['content-length'] ?? 0) > this.maxBytes) throw this.tooLarge();
          await this.write(part, counted(body as AsyncIterable<Uint8Array>, budget));
        },
      );
    } catch (error) {
      if (silent.signal.aborted) throw silence();
      if (error instanceof CommonspaceError || signal.aborted) throw error;
      // Messages of the network layer name internal addresses.
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new CommonspaceError('FETCH_FAILED', `The address could not be fetched: ${code}.`, [], {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  private async write(
    part: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly id: string; readonly bytes: number }> {
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(part, 'w').catch((error) => {
      throw diskFailure(part, error);
    });
    try {
      for await (const chunk of unlessSilent(body)) {
        bytes += chunk.length;
        if (bytes > this.maxBytes) throw this.tooLarge();
        hash.update(chunk);
        await file.writeFile(chunk).catch((error) => {
          throw diskFailure(part, error);
        });
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return { id: hash.digest('hex'), bytes };
  }

  private path(id: string): string {
    return join(this.folder, id);
  }

  private async partOf(id: string): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    return `${this.path(id)}.${randomUUID()}${PART}`;
  }

  private tooLarge(): CommonspaceError {
    return new CommonspaceError('FILE_TOO_LARGE', `The file has more than ${this.maxBytes / 2 ** 20} MB.`);
  }
}

async function* counted(body: AsyncIterable<Uint8Array>, budget: CopyBudget): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    budget.spend(chunk.length);
    yield chunk;
  }
}

/** The chunks. @throws CommonspaceError FETCH_TIMEOUT if the next one does not come in time */
async function* unlessSilent(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(silence()), SILENT_MS);
      });
      try {
        const next = await Promise.race([chunks.next(), late]);
        if (next.done) return;
        yield next.value;
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    // Not awaited: a silent sender does not answer to it.
    void chunks.return?.()?.catch(() => {});
  }
}

function isFile(id: string): boolean {
  return isSha256(id) || isUuid(id);
}

function notFound(): CommonspaceError {
  return new CommonspaceError(
    'UPLOAD_NOT_FOUND',
    'No uploaded file has this id; upload it with POST /uploads.',
  );
}

function silence(): CommonspaceError {
  return new CommonspaceError('FETCH_TIMEOUT', `The sender sent nothing for ${SILENT_MS / 1000} s.`);
}

async function resolveHost(hostname: string): Promise<string[]> {
  return (await lookup(hostname, { all: true })).map(({ address }) => address);
}
