import { CommonspaceError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';

/** The bytes of a picture; null if its file is missing, or was changed by another program. */
export async function pictureBytes(media: MediaStore, sha256: string): Promise<Buffer | null> {
  try {
    const bytes = await media.image(sha256).read();
    // On another thread.
    const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
    return Buffer.from(digest).toString('hex') === sha256 ? bytes : null;
  } catch (error) {
    if (error instanceof CommonspaceError && error.code === 'MEDIA_NOT_FOUND') return null;
    throw error;
  }
}
