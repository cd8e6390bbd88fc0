import { parse } from 'csv-parse';
import { throwIfCancelled } from '../../../domain/errors.js';
import { MAX_LINE_BYTES } from './line-reader.js';
import { failedContent, type RowContent, type RowSource } from './row-source.js';
import { badSource, readingFailed, type SniffedSource, sourceStream } from './source-bytes.js';

interface CsvRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** CSV with a header. Fields can be quoted, and then contain line ends. An empty field is an absent one. */
export function csvSource(path: string, sniffed: SniffedSource, folder: string | null): RowSource {
  async function* records(signal?: AbortSignal): AsyncGenerator<CsvRecord> {
    const parser = parse({
      bom: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MAX_LINE_BYTES,
    });
    const bytes = sourceStream(path, sniffed);
    bytes.once('error', (error) => parser.destroy(error));
    try {
      for await (const record of bytes.pipe(parser) as AsyncIterable<CsvRecord>) {
        throwIfCancelled(signal);
        yield record;
      }
    } catch (error) {
      throw readingFailed(error);
    } finally {
      bytes.destroy();
    }
  }
  return {
    folder,
    async count(signal) {
      let count = -1;
      for await (const _ of records(signal)) count += 1;
      return Math.max(0, count);
    },
    async *rows(signal) {
      let header: readonly string[] | null = null;
      let ordinal = 0;
      for await (const { record, info } of records(signal)) {
        if (header === null) {
          header = checkedHeader(record);
          continue;
        }
        ordinal += 1;
        const bytes = 2 * record.reduce((sum, field) => sum + field.length, 0);
        yield { ordinal, reference: `line ${info.lines}`, content: contentOf(header, record), bytes };
      }
    },
  };
}

function checkedHeader(record: readonly string[]): string[] {
  const names = record.map((name) => name.trim());
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) !== i);
  if (twice !== undefined) throw badSource(`The header of the CSV file names the column ${twice} twice.`);
  return names;
}

function contentOf(header: readonly string[], record: readonly string[]): RowContent {
  if (record.length !== header.length) {
    return failedContent('BAD_ROW', `The row has ${record.length} fields, and the header ${header.length}.`);
  }
  const columns = header.flatMap((name, i): [string, string][] => {
    const field = record[i] ?? '';
    return name === '' || field === '' ? [] : [[name, field]];
  });
  return { kind: 'row', columns: Object.fromEntries(columns), pictures: [] };
}
