import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';
import { isSha256 } from '../domain/ids.js';
import { type CheckedImage, checkImage, inspectImage, renderWebp, withImageFile } from './decode.js';
import { createAtomicFiles, type HeldFile } from './files.js';
import { THUMBNAIL_MAX_ASPECT, THUMBNAIL_WIDTHS } from './limits.js';
import { type StoredFile, shardedFiles } from './stored-files.js';
import type { StoredImage, Thumbnail } from './types.js';

/** Stores images under the hash of their bytes. A stored file never changes, and equal bytes are stored once. */
export interface MediaStore {
  /**
   * Stores an image durably. Bytes are checked first (`checkImage`); a `CheckedImage` is already checked. Storing an
   * image again changes nothing. Concurrent calls with the same bytes are allowed.
   *
   * @throws CommonspaceError as `checkImage` does; DATA_FOLDER_NOT_WRITABLE
   */
  put(image: Uint8Array | CheckedImage): Promise<StoredImage>;
  /**
   * Stores an image as `put` does, and keeps its bytes until they are released, also if the image is removed meanwhile.
   *
   * @throws CommonspaceError as `put` does
   */
  putHeld(
    image: Uint8Array | CheckedImage,
  ): Promise<{ readonly stored: StoredImage; readonly held: HeldFile }>;
  /**
   * Stores the bytes of an image under the hash that an archive names. Only its header is read: the image was checked when it was first stored.
   *
   * @returns false if it was there
   * @throws CommonspaceError BAD_ARCHIVE for bytes with another hash; as `inspectImage`; DATA_FOLDER_NOT_WRITABLE
   */
  restore(sha256: string, bytes: Uint8Array): Promise<boolean>;
  has(sha256: string): Promise<boolean>;
  /** Path of an image's file, whether it exists or not. Throws MEDIA_NOT_FOUND for a malformed id. */
  path(sha256: string): string;
  /** Throws MEDIA_NOT_FOUND. */
  read(sha256: string): Promise<Buffer>;
  /** The result of `put`, from the stored bytes. Throws MEDIA_NOT_FOUND. */
  describe(sha256: string): Promise<StoredImage>;
  /** Removes an image and its thumbnails; returns false if it did not exist. */
  remove(sha256: string): Promise<boolean>;
  /**
   * A WebP of the image, with `width` rounded up to one of `THUMBNAIL_WIDTHS`. Raster images are not enlarged. It is
   * rendered at the first request and stored. Throws MEDIA_NOT_FOUND, BAD_INPUT.
   */
  thumbnail(sha256: string, width: number): Promise<Thumbnail>;
  /** The stored images, in no order. */
  files(): AsyncIterable<StoredFile>;
  /**
   * Removes thumbnails whose image does not exist, and the temporary files of processes that have ended.
   *
   * @param before milliseconds since 1970; younger thumbnails stay
   * @returns the number of thumbnails removed
   */
  sweep(before: number): Promise<number>;
}

const THUMBNAIL_TYPE = 'image/webp';
/** Attempts to store an image that concurrent deletions remove. */
const HOLD_ATTEMPTS = 5;

/**
 * Opens the store. Creates its directory if necessary, and removes temporary files that a crash left.
 *
 *     directory/ab/cd/<sha256>                         images, by the first four digits
 *     directory/thumbnails/ab/cd/<sha256>-<width>.webp
 *     directory/tmp/                                   temporary files
 *
 * @throws CommonspaceError DATA_FOLDER_NOT_WRITABLE
 */
export async function createMediaStore(options: { readonly directory: string }): Promise<MediaStore> {
  const { directory } = options;
  const files = await createAtomicFiles(join(directory, 'tmp'));
  const putting = new Map<string, Promise<StoredImage>>();
  const rendering = new Map<string, Promise<number>>();

  const path = (sha256: string) => join(directory, ...shard(sha256), sha256);
  const thumbnailPath = (sha256: string, width: number) =>
    join(directory, 'thumbnails', ...shard(sha256), `${sha256}-${width}.webp`);

  async function read(sha256: string): Promise<Buffer> {
    return readFile(path(sha256)).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? notFound(sha256, error) : error;
    });
  }

  async function describe(sha256: string): Promise<StoredImage> {
    const bytes = await read(sha256);
    return { sha256, ...(await inspectImage(bytes)), bytes: bytes.length };
  }

  async function store(sha256: string, given: Uint8Array | CheckedImage): Promise<StoredImage> {
    const bytes = given instanceof Uint8Array ? given : given.bytes;
    // The size detects a file that a disk failure truncated.
    const present = (await sizeOf(path(sha256))) === bytes.length && bytes.length > 0;
    // The given bytes are those of the file, which a concurrent removal may delete.
    if (present) return { sha256, ...(await inspectImage(bytes)), bytes: bytes.length };
    const { mediaType, width, height } = given instanceof Uint8Array ? await checkImage(given) : given;
    await files.write(path(sha256), bytes, true);
    return { sha256, mediaType, width, height, bytes: bytes.length };
  }

  /** Renders a thumbnail of this width, or of that of a smaller image, and returns its width. */
  async function render(sha256: string, wanted: number): Promise<number> {
    const step = await withImageFile(path(sha256), async (bytes) => {
      const { mediaType, width } = await inspectImage(bytes);
      const step = mediaType === 'image/svg+xml' ? wanted : thumbnailStep(Math.min(wanted, width));
      const target = thumbnailPath(sha256, step);
      // After a power failure, a renamed file that was not synced can be empty.
      if (!(await sizeOf(target))) {
        await files.write(target, await renderWebp(bytes, step, step * THUMBNAIL_MAX_ASPECT), false);
      }
      return step;
    }).catch((error: unknown) => {
      throw error instanceof CommonspaceError && error.code === 'FILE_MISSING'
        ? notFound(sha256, error)
        : error;
    });
    // If the image was removed meanwhile, its thumbnail is removed too.
    if ((await sizeOf(path(sha256))) === null) await rm(thumbnailPath(sha256, step), { force: true });
    return step;
  }

  async function put(given: Uint8Array | CheckedImage): Promise<StoredImage> {
    const sha256 = await hash(given instanceof Uint8Array ? given : given.bytes);
    return once(putting, sha256, () => store(sha256, given));
  }

  return {
    path,
    read,
    describe,
    put,
    async putHeld(given) {
      for (let attempts = HOLD_ATTEMPTS; attempts > 0; attempts -= 1) {
        const stored = await put(given);
        const held = await files.hold(path(stored.sha256));
        if (held !== null) return { stored, held };
      }
      throw new Error('an image was removed as often as it was stored');
    },
    async restore(sha256, bytes) {
      if ((await sizeOf(path(sha256))) === bytes.length) return false;
      if ((await hash(bytes)) !== sha256)
        throw new CommonspaceError('BAD_ARCHIVE', `The bytes of picture ${sha256} do not have this hash.`, [
          'file',
        ]);
      await inspectImage(bytes);
      await files.write(path(sha256), bytes, true);
      return true;
    },
    async has(sha256) {
      return isSha256(sha256) && (await sizeOf(path(sha256))) !== null;
    },
    async remove(sha256) {
      const there = (await sizeOf(path(sha256))) !== null;
      await rm(path(sha256), { force: true });
      await Promise.all(THUMBNAIL_WIDTHS.map((width) => rm(thumbnailPath(sha256, width), { force: true })));
      return there;
    },
    files: () => shardedFiles(directory, (name) => name),
    async sweep(before) {
      await files.removeLeftovers();
      let removed = 0;
      for await (const file of shardedFiles(join(directory, 'thumbnails'), imageOfThumbnail)) {
        if (file.changedAt >= before || (await sizeOf(path(file.sha256))) !== null) continue;
        await rm(file.path, { force: true });
        removed += 1;
      }
      return removed;
    },
    async thumbnail(sha256, width) {
      const step = thumbnailStep(width);
      const made = (await sizeOf(thumbnailPath(sha256, step)))
        ? step
        : await once(rendering, thumbnailPath(sha256, step), () => render(sha256, step));
      return { path: thumbnailPath(sha256, made), mediaType: THUMBNAIL_TYPE };
    },
  };
}

function imageOfThumbnail(name: string): string | null {
  return /^([0-9a-f]+)-\d+\.webp$/.exec(name)?.[1] ?? null;
}

/** The smallest of `THUMBNAIL_WIDTHS` that is at least `width`, else the largest. Throws BAD_INPUT below 1. */
export function thumbnailStep(width: number): number {
  if (!(width >= 1)) throw new CommonspaceError('BAD_INPUT', 'The width must be at least 1.', ['width']);
  return THUMBNAIL_WIDTHS.find((step) => step >= width) ?? Math.max(...THUMBNAIL_WIDTHS);
}

/** Runs `work` once for all concurrent calls with the same key. */
function once<T>(running: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> {
  const known = running.get(key);
  if (known) return known;
  const started = work().finally(() => running.delete(key));
  running.set(key, started);
  return started;
}

/** Uses WebCrypto, which hashes on another thread: 20 MB would block the event loop for tens of milliseconds. */
async function hash(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex');
}

function shard(sha256: string): readonly [string, string] {
  // An id becomes a path.
  if (!isSha256(sha256)) throw notFound(sha256);
  return [sha256.slice(0, 2), sha256.slice(2, 4)];
}

function notFound(sha256: string, cause?: unknown): CommonspaceError {
  return new CommonspaceError(
    'MEDIA_NOT_FOUND',
    `No media has the id ${JSON.stringify(sha256.slice(0, 64))}.`,
    [],
    {
      cause,
    },
  );
}

/** Size of a file in bytes; null if it does not exist. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
