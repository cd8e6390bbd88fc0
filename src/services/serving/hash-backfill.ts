import pLimit from 'p-limit';
import type { Catalog } from '../../catalog/catalog.js';
import type { UnhashedImage } from '../../catalog/repositories/picture-hashes.js';
import { CommonspaceError, passes, throwIfCancelled } from '../../domain/errors.js';
import { HASHED_SIZE } from '../../domain/perceptual-hash.js';
import { hashPicture, type PictureHash } from '../../domain/picture-hash.js';
import { decodeRgb } from '../../media/decode.js';
import type { MediaStore } from '../../media/media-store.js';

/** Images per batch. */
const CHUNK = 64;
/** Images decoded at once: one less than the decoder has slots, so that a request finds one free. */
const DECODED_AT_ONCE = 2;
/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** Computes the perceptual hashes of images that an earlier version stored. */
export class HashBackfill {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
  ) {}

  /** An image whose file cannot be read stays without a hash. @throws CommonspaceError CANCELLED, MEDIA_UNREACHABLE */
  async fill(signal?: AbortSignal): Promise<void> {
    const limit = pLimit(DECODED_AT_ONCE);
    for (let after = NIL; ; ) {
      throwIfCancelled(signal);
      const images = await this.catalog.hashes.lacking(after, CHUNK);
      const last = images.at(-1);
      if (last === undefined) return;
      const hashes = await Promise.all(images.map((image) => limit(() => this.hash(image))));
      await this.catalog.hashes.fill(hashes.filter((hashed) => hashed !== null));
      after = last.id;
    }
  }

  private async hash(
    image: UnhashedImage,
  ): Promise<(UnhashedImage & { readonly picture: PictureHash }) | null> {
    try {
      const decode = (bytes: Buffer) => decodeRgb(bytes, HASHED_SIZE);
      const { data } = await this.media.use(image.contentHash, decode);
      return { ...image, picture: hashPicture(data) };
    } catch (error) {
      if (error instanceof CommonspaceError && !passes(error)) return null;
      throw error;
    }
  }
}
