import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import { isSha256 } from '../../domain/ids.js';
import { decodeBase64 } from '../../media/base64.js';
import type { FetchPolicy } from '../../media/fetch-image.js';
import { fetchImage } from '../../media/fetch-image.js';
import type { MediaStore } from '../../media/media-store.js';

/** The source of an image: exactly one field is set. `bytes` is for callers within the process. */
export type ImageSource =
  | { readonly imageUrl: string }
  | { readonly imageBase64: string }
  | { readonly mediaId: string }
  | { readonly bytes: Buffer };

/** Reads the bytes of an image from its source. */
export class ImageSources {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly fetchPolicy: FetchPolicy,
  ) {}

  /** @throws CommonspaceError naming the wrong field below `field`. */
  async bytes(source: ImageSource, field: FieldPath, scope: RequestScope = {}): Promise<Buffer> {
    if ('bytes' in source) return source.bytes;
    if ('imageBase64' in source) return decodeBase64(source.imageBase64, [...field, 'imageBase64']);
    if ('imageUrl' in source) {
      return await this.at([...field, 'imageUrl'], () =>
        fetchImage(source.imageUrl, this.fetchPolicy, scope),
      );
    }
    const known = isSha256(source.mediaId) && (await this.catalog.media.find(source.mediaId)) !== null;
    if (!known || !(await this.media.has(source.mediaId))) {
      throw new CommonspaceError(
        'MEDIA_NOT_FOUND',
        'No uploaded media has this id; upload it with POST /media.',
        [...field, 'mediaId'],
      );
    }
    return await this.media.read(source.mediaId);
  }

  private async at<T>(field: FieldPath, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof CommonspaceError ? error.at(field) : error;
    }
  }
}
