import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import { isSha256 } from '../../domain/ids.js';
import { base64Bytes, decodeBase64 } from '../../media/base64.js';
import { withImageFile } from '../../media/decode.js';
import type { FetchPolicy } from '../../media/fetch-image.js';
import { fetchImage } from '../../media/fetch-image.js';
import type { MediaStore } from '../../media/media-store.js';
import { pictureMemory } from '../../media/picture-memory.js';
import { type FilePart, readFilePart } from '../../platform/file-part.js';

/** The source of an image: exactly one field is set. `path`, `part` and `bytes` are for callers within the process. */
export type ImageSource =
  | { readonly imageUrl: string }
  | { readonly imageBase64: string }
  | { readonly mediaId: string }
  | { readonly path: string }
  | { readonly part: FilePart }
  | { readonly bytes: Buffer };

type Use<T> = (bytes: Buffer) => Promise<T>;

/** Reads the bytes of an image from its source. */
export class ImageSources {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly fetchPolicy: FetchPolicy,
  ) {}

  /**
   * Reads an image for `work`, when there is room for it in `pictureMemory`. Its size is checked first where it is known.
   * `work` must not read another image, and its errors have their own fields.
   *
   * @throws CommonspaceError naming the wrong field below `field`; CANCELLED
   */
  async use<T>(source: ImageSource, field: FieldPath, scope: RequestScope, work: Use<T>): Promise<T> {
    // The caller has them in memory already.
    if ('bytes' in source) return await work(source.bytes);
    if ('path' in source) {
      const { path } = source;
      const fromFile = (run: Use<T>) => withImageFile(path, run, scope.signal);
      return await reading([...field, 'path'], work, fromFile);
    }
    if ('part' in source) {
      const { part } = source;
      return await pictureMemory.run(part.bytes, async () => work(await readFilePart(part)), scope.signal);
    }
    if ('imageUrl' in source) return await this.fromAddress(source.imageUrl, field, scope, work);
    if ('imageBase64' in source) {
      const { imageBase64 } = source;
      const read = async () => work(decodeBase64(imageBase64, [...field, 'imageBase64']));
      return await pictureMemory.run(base64Bytes(imageBase64), read, scope.signal);
    }
    const known = isSha256(source.mediaId) && (await this.catalog.media.find(source.mediaId)) !== null;
    if (!known || !(await this.media.has(source.mediaId))) {
      throw new CommonspaceError(
        'MEDIA_NOT_FOUND',
        'No uploaded media has this id; upload it with POST /media.',
        [...field, 'mediaId'],
      );
    }
    const { mediaId } = source;
    const fromStore = (run: Use<T>) => this.media.use(mediaId, run, scope.signal);
    return await reading([...field, 'mediaId'], work, fromStore);
  }

  private async fromAddress<T>(url: string, field: FieldPath, scope: RequestScope, work: Use<T>): Promise<T> {
    let release = () => {};
    const reserve = async (bytes: number, signal: AbortSignal) => {
      release = await pictureMemory.acquire(bytes, signal);
    };
    try {
      const bytes = await fetchImage(url, this.fetchPolicy, scope, reserve).catch((error: unknown) => {
        throw at([...field, 'imageUrl'], error);
      });
      return await work(bytes);
    } finally {
      release();
    }
  }
}

/** Reads for `work`. Errors of reading have this field; those of `work` stay as they are. */
async function reading<T>(field: FieldPath, work: Use<T>, read: (run: Use<T>) => Promise<T>): Promise<T> {
  let isRead = false;
  try {
    return await read((bytes) => {
      isRead = true;
      return work(bytes);
    });
  } catch (error) {
    throw isRead ? error : at(field, error);
  }
}

function at(field: FieldPath, error: unknown): unknown {
  return error instanceof CommonspaceError ? error.at(field) : error;
}
