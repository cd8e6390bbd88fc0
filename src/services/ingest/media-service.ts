import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isSha256 } from '../../domain/ids.js';
import { mediaHeaders } from '../../media/media-headers.js';
import type { MediaStore } from '../../media/media-store.js';
import type { StoredImage } from '../../media/types.js';

/** A file to serve, with the headers that make serving a stranger's bytes harmless. */
export interface ServedFile {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Pictures uploaded ahead of ingest, and the bytes of those in the catalogue. */
export class MediaService {
  constructor(
    private readonly catalog: Catalog,
    private readonly store: MediaStore,
  ) {}

  /** Proves a picture readable and keeps it; its id can then be ingested or searched by. */
  async upload(bytes: Buffer): Promise<StoredImage> {
    const image = await this.store.put(bytes);
    await this.catalog.media.record(image);
    // A deletion of the same picture, which recording waited for, may have removed the file.
    return (await this.store.has(image.sha256)) ? image : await this.store.put(bytes);
  }

  /**
   * The bytes of a picture, or a thumbnail at least `width` wide where there is one.
   *
   * @throws CommonspaceError MEDIA_NOT_FOUND.
   */
  async file(sha256: string, width: number | null): Promise<ServedFile> {
    const known = isSha256(sha256) ? await this.catalog.media.find(sha256) : null;
    if (known === null || !(await this.store.has(sha256))) {
      throw new CommonspaceError('MEDIA_NOT_FOUND', 'No media has this id.', ['id']);
    }
    if (width === null) return { path: this.store.path(sha256), headers: mediaHeaders(known.mediaType) };
    const thumbnail = await this.store.thumbnail(sha256, width);
    return { path: thumbnail.path, headers: mediaHeaders(thumbnail.mediaType) };
  }
}
