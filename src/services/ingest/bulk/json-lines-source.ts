import { throwIfCancelled } from '../../../domain/errors.js';
import { type Line, MAX_LINE_BYTES, readByteLines } from './line-reader.js';
import { failedContent, type RowContent, type RowSource } from './row-source.js';
import { readingFailed, type SniffedSource, sourceStream } from './source-bytes.js';

/** JSON Lines: an object per line. Blank lines are no rows. */
export function jsonLinesSource(path: string, sniffed: SniffedSource, folder: string | null): RowSource {
  async function* lines(
    signal?: AbortSignal,
  ): AsyncGenerator<{ readonly number: number; readonly line: Line }> {
    let number = 0;
    try {
      for await (const line of readByteLines(sourceStream(path, sniffed))) {
        throwIfCancelled(signal);
        number += 1;
        if (line === null || !isBlank(line)) yield { number, line };
      }
    } catch (error) {
      throw readingFailed(error);
    }
  }
  return {
    folder,
    async count(signal) {
      let count = 0;
      for await (const _ of lines(signal)) count += 1;
      return count;
    },
    async *rows(signal) {
      let ordinal = 0;
      for await (const { number, line } of lines(signal)) {
        ordinal += 1;
        // The string of a line has two bytes for each character if one of them needs that.
        const bytes = 2 * (line?.length ?? 0);
        yield { ordinal, reference: `line ${number}`, content: parse(line), bytes };
      }
    },
  };
}

function isBlank(line: Buffer): boolean {
  return line.length < 100 && line.toString('utf8').trim() === '';
}

function parse(line: Line): RowContent {
  if (line === null)
    return failedContent('BAD_ROW', `The line has more than ${MAX_LINE_BYTES / 2 ** 20} MB.`);
  try {
    const value: unknown = JSON.parse(line.toString('utf8').replace(/^\uFEFF/, ''));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { kind: 'row', columns: value as Record<string, unknown>, pictures: [] };
    }
  } catch {
    // The failure below says what is wrong.
  }
  return failedContent('BAD_ROW', 'The line is not a JSON object.');
}
