import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isSha256 } from '../../domain/ids.js';
import { mediaHeaders } from '../../media/media-headers.js';
import type { MediaStore } from '../../media/media-store.js';
import type { StoredImage, StoredObject } from '../../media/types.js';

/** A file to serve, with headers that keep browsers from executing uploaded bytes. */
export interface ServedFile {
  readonly object: StoredObject;
  readonly headers: Readonly<Record<string, string>>;
}

/** Uploads of images before ingest, and the files of images. */
export class MediaService {
  constructor(
    private readonly catalog: Catalog,
    private readonly store: MediaStore,
  ) {}

  /** Checks and stores an image; its id can then be ingested or searched by. */
  async upload(bytes: Buffer): Promise<StoredImage> {
    const image = await this.store.put(bytes);
    await this.catalog.media.record(image);
    // `record` may have waited for a deletion of the same image, which removed the file.
    return (await this.store.has(image.sha256)) ? image : await this.store.put(bytes);
  }

  /**
   * The file of an image, or a thumbnail at least `width` wide where there is one.
   *
   * @throws CommonspaceError MEDIA_NOT_FOUND, MEDIA_UNREACHABLE
   */
  async file(sha256: string, width: number | null): Promise<ServedFile> {
    const known = isSha256(sha256) ? await this.catalog.media.find(sha256) : null;
    if (known === null || !(await this.store.has(sha256))) {
      throw new CommonspaceError('MEDIA_NOT_FOUND', 'No media has this id.', ['id']);
    }
    if (width === null) return { object: this.store.image(sha256), headers: mediaHeaders(known.mediaType) };
    const object = await this.store.thumbnail(sha256, width);
    return { object, headers: mediaHeaders(object.mediaType) };
  }
}
