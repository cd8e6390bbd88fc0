import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { PictureSource } from './uploads.js';

/**
 * A picture in a file, for `client.upload`. It is streamed, so that a large file does not fill the memory. Node only.
 *
 * @param part the bytes of the file that are the picture; all of them by default
 *
 * @example await client.upload(pictureFile('photos/cat.jpg'))
 */
export function pictureFile(
  path: string,
  part?: { readonly start: number; readonly bytes: number },
): PictureSource {
  return {
    open: async () => {
      // Opened here, so that a missing file fails with its own error.
      const file = await open(path);
      const range = part && { start: part.start, end: part.start + part.bytes - 1 };
      return Readable.toWeb(file.createReadStream(range)) as ReadableStream<Uint8Array>;
    },
  };
}
