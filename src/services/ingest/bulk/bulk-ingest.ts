import {
  CommonspaceError,
  type Failure,
  type FieldPath,
  RETRY_AFTER_SECONDS,
  throwIfCancelled,
} from '../../../domain/errors.js';
import type { RequestScope } from '../../../domain/fetch-budget.js';
import type { IngestInput } from '../ingest-input.js';
import { type RowItems, type RowOptions, RowReader } from './row-items.js';
import type { RowSource, SourceRow } from './row-source.js';

/** Stores items: the ingest of this process, or that of a server. */
export interface ItemIngest {
  /** The outcomes of all inputs, in order. */
  ingest(
    inputs: readonly IngestInput[],
    call: RequestScope & { readonly field: FieldPath },
  ): Promise<readonly ItemOutcome[]>;
}

export type ItemOutcome =
  | { readonly status: 'CREATED' | 'UPDATED' | 'UNCHANGED' }
  | { readonly status: 'FAILED'; readonly error: Failure };

export interface BulkOptions extends RowOptions, RequestScope {
  /** Whether the caller named the class column, so that it is an error if no row of the beginning has it. */
  readonly classColumnRequired: boolean;
  /** Rows up to this ordinal were done before; 0: none. */
  readonly after: number;
  /** Ordinals of the rows to do, ascending; null: all. */
  readonly only: AsyncIterable<number> | null;
}

export interface RowFailure extends Failure {
  readonly ordinal: number;
  readonly reference: string;
  /** What the row has, as far as it is known. */
  readonly columns: Readonly<Record<string, unknown>> | null;
}

/** Rows that were done together, by outcome, and the items that were stored for them. */
export interface BatchReport {
  /** Ordinal of the last row. */
  readonly last: number;
  readonly done: number;
  readonly skipped: number;
  readonly failures: readonly RowFailure[];
  readonly items: ItemCounts;
}

interface ItemCounts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

/** Rows that are done together. */
export const BATCH_ROWS = 192;
/** A batch ends when its rows have so many bytes in memory. */
const BATCH_BYTES = 48 * 2 ** 20;

const STATUS = { CREATED: 'created', UPDATED: 'updated', UNCHANGED: 'unchanged' } as const;

/** Ingests the rows of a source, batch by batch, so that a source of any length needs the same memory. */
export class BulkIngest {
  constructor(private readonly items: ItemIngest) {}

  /**
   * Every row is stored, fails by itself, or is skipped. A row that is done again changes nothing.
   *
   * @throws CommonspaceError BAD_SOURCE, NO_CLASS_COLUMN, CANCELLED; BUSY, DATABASE_UNREACHABLE or DATABASE_TIMEOUT, after which
   *   the rows from the last report on are to be done again
   */
  async *run(source: RowSource, options: BulkOptions): AsyncGenerator<BatchReport> {
    const reader = new RowReader(source, options);
    let columnIsMissing = options.classColumnRequired && options.after === 0 && options.only === null;
    for await (const batch of batchesOf(chosenRows(source, reader, options))) {
      throwIfCancelled(options.signal);
      if (columnIsMissing) checkColumn(batch, options.classColumn);
      columnIsMissing = false;
      yield await this.ingestBatch(batch, reader, options);
    }
  }

  private async ingestBatch(
    batch: readonly SourceRow[],
    reader: RowReader,
    scope: RequestScope,
  ): Promise<BatchReport> {
    const failures: RowFailure[] = [];
    const rows: { readonly row: SourceRow; readonly items: RowItems }[] = [];
    for (const row of batch) {
      try {
        if (row.content.kind === 'failed') failures.push(failureOf(row, row.content.failure));
        if (row.content.kind === 'row')
          rows.push({ row, items: await reader.read(row.content, row.ordinal) });
      } catch (error) {
        if (!(error instanceof CommonspaceError)) throw error;
        failures.push(failureOf(row, error.toFailure()));
      }
    }
    // Images first: the texts of a row are not stored if an image of it fails.
    const images = await this.ingest(
      rows.map(({ items }) => items.images),
      scope,
    );
    const withImages = rows.map((_, i) => images[i]?.every(({ status }) => status !== 'FAILED') ?? true);
    const texts = await this.ingest(
      rows.map(({ items }, i) => (withImages[i] ? items.texts : [])),
      scope,
    );
    const items = { created: 0, updated: 0, unchanged: 0 };
    rows.forEach(({ row }, i) => {
      const outcomes = [...(images[i] ?? []), ...(texts[i] ?? [])];
      const failed = outcomes.find((outcome) => outcome.status === 'FAILED');
      if (failed?.status === 'FAILED') failures.push(failureOf(row, failed.error));
      for (const { status } of outcomes) if (status !== 'FAILED') items[STATUS[status]] += 1;
    });
    const skipped = batch.filter(({ content }) => content.kind === 'skipped').length;
    return {
      last: batch.at(-1)?.ordinal ?? 0,
      done: batch.length - skipped - failures.length,
      skipped,
      failures: failures.sort((a, b) => a.ordinal - b.ordinal),
      items,
    };
  }

  /** The outcomes of each row's inputs. @throws CommonspaceError for errors that pass: the rows are not at fault then */
  private async ingest(
    rows: readonly RowItems['images'][],
    { signal, fetches }: RequestScope,
  ): Promise<ItemOutcome[][]> {
    const outcomes = await this.items.ingest(rows.flat(), { signal, fetches, field: [] });
    for (const outcome of outcomes) {
      if (outcome.status !== 'FAILED') continue;
      const { code, message } = outcome.error;
      if (RETRY_AFTER_SECONDS[code] !== undefined) throw new CommonspaceError(code, message);
    }
    let next = 0;
    return rows.map((inputs) => inputs.map(() => outcomes[next++] as ItemOutcome));
  }
}

/** The rows to do. The reader sees the others too. */
async function* chosenRows(
  source: RowSource,
  reader: RowReader,
  { after, only, signal }: BulkOptions,
): AsyncGenerator<SourceRow> {
  const ordinals = only?.[Symbol.asyncIterator]();
  let wanted: number | null = null;
  for await (const row of source.rows(signal)) {
    while (ordinals && (wanted === null || wanted < row.ordinal)) {
      const next = await ordinals.next();
      if (next.done) return;
      wanted = next.value;
    }
    if (row.ordinal > after && (wanted === null || wanted === row.ordinal)) yield row;
    else if (row.content.kind === 'row') reader.pass(row.content);
  }
}

async function* batchesOf(rows: AsyncIterable<SourceRow>): AsyncGenerator<SourceRow[]> {
  let batch: SourceRow[] = [];
  let bytes = 0;
  for await (const row of rows) {
    batch.push(row);
    bytes += row.bytes;
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function checkColumn(batch: readonly SourceRow[], column: string): void {
  const rows = batch.flatMap(({ content }) => (content.kind === 'row' ? [content.columns] : []));
  if (rows.length === 0 || rows.some((columns) => columns[column] != null)) return;
  const names = new Set(rows.slice(0, 100).flatMap((columns) => Object.keys(columns)));
  throw noClassColumn(column, batch.length, names);
}

/** @param names columns that the rows have */
export function noClassColumn(column: string, rows: number, names: ReadonlySet<string>): CommonspaceError {
  return new CommonspaceError(
    'NO_CLASS_COLUMN',
    `None of the first ${rows} rows has the column "${column}"; their columns are: ${[...names].join(', ')}.`,
    ['class-column'],
  );
}

function failureOf({ ordinal, reference, content }: SourceRow, failure: Failure): RowFailure {
  return { ...failure, ordinal, reference, columns: content.kind === 'row' ? content.columns : null };
}
