import { open } from 'node:fs/promises';

/** Some bytes of a file. */
export interface FilePart {
  readonly path: string;
  /** Of the first byte. */
  readonly start: number;
  readonly bytes: number;
}

/** Reads them. It throws if the file ends before them. */
export async function readFilePart({ path, start, bytes }: FilePart): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, start);
    if (bytesRead < bytes) throw new Error(`the file has ${bytesRead} bytes of ${bytes} from ${start} on`);
    return buffer;
  } finally {
    await file.close();
  }
}
