import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { PictureSource } from './uploads.js';

/**
 * A picture in a file, for `client.upload`. It is streamed, so that a large file does not fill the memory. Node only.
 *
 * @example await client.upload(pictureFile('photos/cat.jpg'))
 */
export function pictureFile(path: string): PictureSource {
  return {
    open: async () => {
      // Opened here, so that a missing file fails with its own error.
      const file = await open(path);
      return Readable.toWeb(file.createReadStream()) as ReadableStream<Uint8Array>;
    },
  };
}
