import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a picture of so many bytes, most of which are zeros that the file system does not store.
 *
 * @param png what decoders read
 * @param name makes the content differ from that of other pictures
 */
export async function writeLargePicture(
  path: string,
  png: Buffer,
  name: string,
  bytes: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, png);
  await appendFile(path, name);
  await truncate(path, bytes);
}
