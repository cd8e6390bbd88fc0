import type { Readable } from 'node:stream';

/** A longer line is not kept in memory. A picture of 20 MB in base64 fits. */
export const MAX_LINE_BYTES = 32 * 2 ** 20;

/** A line without its end; null if it is longer than MAX_LINE_BYTES. */
export type Line = Buffer | null;

const NEWLINE = 0x0a;

/** Splits bytes into lines. An empty line at the end is left out. */
export async function* readByteLines(stream: Readable): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const take = (): Line => {
    const line = bytes <= MAX_LINE_BYTES ? Buffer.concat(parts) : null;
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (bytes > 0) yield take();
}
