import { join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';
import { isSha256 } from '../domain/ids.js';
import type { MediaBucket } from '../domain/media-bucket.js';
import { type CheckedImage, checkImage, inspectImage, renderWebp } from './decode.js';
import type { HeldFile } from './files.js';
import { createFolderStore } from './folder-store.js';
import { THUMBNAIL_MAX_ASPECT, THUMBNAIL_WIDTHS } from './limits.js';
import type { ListedObject, ObjectStore } from './object-store.js';
import { pictureMemory } from './picture-memory.js';
import { createS3Store } from './s3-store.js';
import { type SharedFiles, sharedFilesIn } from './shared-files.js';
import type { StoredFile, StoredImage, StoredObject, Thumbnail } from './types.js';

/** Stores images under the hash of their bytes. A stored image never changes, and equal bytes are stored once. */
export interface MediaStore {
  /** Where the images are, for display. */
  readonly place: string;
  /**
   * Stores an image durably. Bytes are checked first (`checkImage`); a `CheckedImage` is already checked. Storing an
   * image again changes nothing. Concurrent calls with the same bytes are allowed.
   *
   * @throws CommonspaceError as `checkImage` does; DATA_FOLDER_NOT_WRITABLE, MEDIA_UNREACHABLE, as all methods do
   */
  put(image: Uint8Array | CheckedImage): Promise<StoredImage>;
  /**
   * Stores an image as `put` does, and keeps its bytes until they are released, also if the image is removed meanwhile. Throws as `put` does.
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
  /** An image, whether it exists or not. Throws MEDIA_NOT_FOUND for a malformed id. */
  image(sha256: string): StoredObject;
  /**
   * Reads an image for `work`. The bytes are read when there is room for them in `pictureMemory`: `work` must not read another
   * one.
   *
   * @throws CommonspaceError MEDIA_NOT_FOUND, CANCELLED
   */
  use<T>(sha256: string, work: (bytes: Buffer) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The result of `put`, from the stored bytes. Throws MEDIA_NOT_FOUND. */
  describe(sha256: string): Promise<StoredImage>;
  /** Removes an image and its thumbnails. */
  remove(sha256: string): Promise<void>;
  /**
   * A WebP of the image, with `width` rounded up to one of `THUMBNAIL_WIDTHS`. Raster images are not enlarged. It is
   * rendered at the first request and stored. Throws MEDIA_NOT_FOUND, BAD_INPUT.
   */
  thumbnail(sha256: string, width: number): Promise<Thumbnail>;
  /** The stored images, by ascending hash. */
  files(): AsyncIterable<StoredFile>;
  /**
   * Removes thumbnails whose image does not exist, and the temporary files of processes that have ended.
   *
   * @param before milliseconds since 1970; younger thumbnails stay
   * @returns the number of thumbnails removed
   */
  sweep(before: number): Promise<number>;
  /** Files for all servers and workers, in the same place; null where that is a folder. */
  readonly sharedFiles: SharedFiles | null;
  /** A problem with the place; null if images can be stored and read. */
  problem(): Promise<string | null>;
}

const THUMBNAIL_TYPE = 'image/webp';
/** Attempts to store an image that concurrent deletions remove. */
const HOLD_ATTEMPTS = 5;
const THUMBNAILS = 'thumbnails/';
/** Thumbnails that a sweep removes together. */
const SWEPT_AT_ONCE = 100;

export interface MediaOptions {
  /** Folder of the images, or of temporary files only where the images are in object storage. */
  readonly directory: string;
  /** Object storage; null or absent: the folder. */
  readonly s3?: MediaBucket | null;
  /** Receives an outage of the object storage at the start. */
  readonly report?: (error: unknown) => void;
}

/**
 * Opens the store. Creates its directory if necessary, and removes temporary files that a crash left.
 *
 *     ab/cd/<sha256>                         images, by the first four digits
 *     thumbnails/ab/cd/<sha256>-<width>.webp
 *     sources/ab/cd/                         in object storage: files of jobs, in parts
 *     tmp/                                   temporary files, always in the directory
 *
 * @throws CommonspaceError DATA_FOLDER_NOT_WRITABLE, BAD_CONFIG
 */
export async function createMediaStore({
  directory,
  s3 = null,
  report = () => {},
}: MediaOptions): Promise<MediaStore> {
  if (s3 === null) return mediaStoreOn(await createFolderStore(directory), null);
  const objects = await createS3Store({ ...s3, directory: join(directory, 'tmp'), report });
  return mediaStoreOn(objects, sharedFilesIn(objects));
}

function mediaStoreOn(objects: ObjectStore, sharedFiles: SharedFiles | null): MediaStore {
  const putting = new Map<string, Promise<StoredImage>>();
  const rendering = new Map<string, Promise<number>>();

  const objectOf = (key: string, sha256: string): StoredObject => {
    const found = <T>(value: T | null): T => {
      if (value === null) throw notFound(sha256);
      return value;
    };
    return {
      path: objects.pathOf(key),
      open: async () => found(await objects.open(key)),
      read: async () => found(await objects.read(key)),
    };
  };

  async function use<T>(
    sha256: string,
    work: (bytes: Buffer) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const key = keyOf(sha256);
    const size = await objects.size(key, signal);
    if (size === null) throw notFound(sha256);
    const run = async () => {
      const bytes = await objects.read(key, signal);
      if (bytes === null) throw notFound(sha256);
      return await work(bytes);
    };
    return await pictureMemory.run(size, run, signal);
  }

  async function store(sha256: string, given: Uint8Array | CheckedImage): Promise<StoredImage> {
    const bytes = given instanceof Uint8Array ? given : given.bytes;
    const key = keyOf(sha256);
    // The size detects a file that a disk failure truncated.
    const present = bytes.length > 0 && (await objects.size(key)) === bytes.length;
    // The given bytes are those of the object, which a concurrent removal may delete.
    if (present) return { sha256, ...(await inspectImage(bytes)), bytes: bytes.length };
    const { mediaType, width, height } = given instanceof Uint8Array ? await checkImage(given) : given;
    await objects.write(key, bytes, true);
    return { sha256, mediaType, width, height, bytes: bytes.length };
  }

  /** Renders a thumbnail of this width, or of that of a smaller image, and returns its width. */
  async function render(sha256: string, wanted: number): Promise<number> {
    const step = await use(sha256, async (bytes) => {
      const { mediaType, width } = await inspectImage(bytes);
      const step = mediaType === 'image/svg+xml' ? wanted : thumbnailStep(Math.min(wanted, width));
      const target = thumbnailKey(sha256, step);
      // After a power failure, a renamed file that was not synced can be empty.
      if (!(await objects.size(target))) {
        await objects.write(target, await renderWebp(bytes, step, step * THUMBNAIL_MAX_ASPECT), false);
      }
      return step;
    });
    // If the image was removed meanwhile, its thumbnail is removed too.
    if ((await objects.size(keyOf(sha256))) === null) await objects.remove([thumbnailKey(sha256, step)]);
    return step;
  }

  async function put(given: Uint8Array | CheckedImage): Promise<StoredImage> {
    const sha256 = await hash(given instanceof Uint8Array ? given : given.bytes);
    return once(putting, sha256, () => store(sha256, given));
  }

  return {
    place: objects.place,
    sharedFiles,
    problem: () => objects.problem(),
    image: (sha256) => objectOf(keyOf(sha256), sha256),
    use,
    put,
    async describe(sha256) {
      return use(sha256, async (bytes) => ({
        sha256,
        ...(await inspectImage(bytes)),
        bytes: bytes.length,
      }));
    },
    async putHeld(given) {
      for (let attempts = HOLD_ATTEMPTS; attempts > 0; attempts -= 1) {
        const stored = await put(given);
        const bytes = given instanceof Uint8Array ? given : given.bytes;
        const held = await objects.hold(keyOf(stored.sha256), bytes);
        if (held !== null) return { stored, held };
      }
      throw new Error('an image was removed as often as it was stored');
    },
    async restore(sha256, bytes) {
      const key = keyOf(sha256);
      if ((await objects.size(key)) === bytes.length) return false;
      if ((await hash(bytes)) !== sha256)
        throw new CommonspaceError('BAD_ARCHIVE', `The bytes of picture ${sha256} do not have this hash.`, [
          'file',
        ]);
      await inspectImage(bytes);
      await objects.write(key, bytes, true);
      return true;
    },
    async has(sha256) {
      return isSha256(sha256) && (await objects.size(keyOf(sha256))) !== null;
    },
    async remove(sha256) {
      const thumbnails = THUMBNAIL_WIDTHS.map((width) => thumbnailKey(sha256, width));
      await objects.remove([keyOf(sha256), ...thumbnails]);
    },
    async *files() {
      for await (const { name, changedAt } of objects.list('')) {
        if (isSha256(name)) yield { sha256: name, changedAt };
      }
    },
    async sweep(before) {
      await objects.removeLeftovers();
      let removed = 0;
      let batch: string[] = [];
      const flush = async () => {
        await objects.remove(batch);
        removed += batch.length;
        batch = [];
      };
      for await (const { key, changedAt } of orphanedThumbnails(objects)) {
        if (changedAt >= before) continue;
        batch.push(key);
        if (batch.length === SWEPT_AT_ONCE) await flush();
      }
      await flush();
      return removed;
    },
    async thumbnail(sha256, width) {
      const step = thumbnailStep(width);
      const made = (await objects.size(thumbnailKey(sha256, step)))
        ? step
        : await once(rendering, thumbnailKey(sha256, step), () => render(sha256, step));
      return { ...objectOf(thumbnailKey(sha256, made), sha256), mediaType: THUMBNAIL_TYPE };
    },
  };
}

/** Thumbnails without an image: both lists are sorted, so they are compared without a request for each thumbnail. */
async function* orphanedThumbnails(objects: ObjectStore): AsyncGenerator<ListedObject> {
  const images = objects.list('')[Symbol.asyncIterator]();
  let image = await images.next();
  for await (const thumbnail of objects.list(THUMBNAILS)) {
    const sha256 = imageOfThumbnail(thumbnail.name);
    if (sha256 === null) continue;
    while (!image.done && image.value.name < sha256) image = await images.next();
    if (image.done || image.value.name !== sha256) yield thumbnail;
  }
  await images.return?.(undefined);
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

/** Throws MEDIA_NOT_FOUND for a malformed id: an id becomes a path. */
function keyOf(sha256: string): string {
  if (!isSha256(sha256)) throw notFound(sha256);
  return `${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
}

function thumbnailKey(sha256: string, width: number): string {
  return `${THUMBNAILS}${keyOf(sha256)}-${width}.webp`;
}

function notFound(sha256: string): CommonspaceError {
  return new CommonspaceError(
    'MEDIA_NOT_FOUND',
    `No media has the id ${JSON.stringify(sha256.slice(0, 64))}.`,
  );
}
