import { z } from 'zod';
import { isStorable } from '../../../domain/check.js';
import type { JobFailure } from '../../../domain/job.js';
import type { JobContext, JobKind } from '../../jobs/job-kind.js';
import type { BulkIngest, RowFailure } from './bulk-ingest.js';
import { type BulkSources, bulkSource } from './bulk-sources.js';
import { openSource } from './open-source.js';

const parameters = z.object({
  source: bulkSource,
  prefix: z.string(),
  /** Null: the usual one, if it exists. */
  classColumn: z.string().nullable(),
  /** Only the rows that failed in this job; null: all. */
  failuresOf: z.string().nullable(),
});
export type IngestJobParameters = z.output<typeof parameters>;

const position = z.object({
  /** Ordinal of the last row that was done. */
  row: z.number(),
  /** Rows that were done, failed or were skipped. */
  rows: z.number(),
  created: z.number(),
  updated: z.number(),
  unchanged: z.number(),
});
const START = { row: 0, rows: 0, created: 0, updated: 0, unchanged: 0 };

export const DEFAULT_CLASS_COLUMN = 'label';
/** Failures that are read together. */
const FAILURES_AT_ONCE = 1000;
/** Characters of what is kept of a failed row. */
const MAX_SHOWN = 4_000;
const MAX_REFERENCE = 500;

export interface IngestJobParts {
  readonly bulk: Pick<BulkIngest, 'run'>;
  readonly sources: Pick<BulkSources, 'path'>;
  /** The failures of a job; see JobList.failures. */
  readonly failures: (jobId: string, after: number, limit: number) => Promise<readonly JobFailure[]>;
}

/** A bulk ingest as a job. A step is a batch of rows; a row that is done twice changes nothing, so it counts as done. */
export function ingestJob(parts: IngestJobParts): JobKind<IngestJobParameters> {
  return {
    name: 'INGEST',
    slot: 'long',
    scope: 'ingest',
    parameters,
    failuresOf: (given, failuresOf) => ({ ...given, failuresOf }),
    run: (given, context) => run(parts, given, context),
  };
}

async function run(
  parts: IngestJobParts,
  { source: given, prefix, classColumn, failuresOf }: IngestJobParameters,
  context: JobContext,
): Promise<string> {
  const { signal, fetches, advance } = context;
  const path = await parts.sources.path(given, signal, fetches);
  const rows = await openSource(path, given.kind === 'path');
  let at = context.position === null ? START : position.parse(context.position);
  const nothing = { done: 0, failed: 0, skipped: 0 };
  if (context.position === null) {
    const total = failuresOf === null ? await rows.count(signal) : await countFailures(parts, failuresOf);
    await advance({ position: at, total, ...nothing });
  }
  const batches = parts.bulk.run(rows, {
    prefix,
    classColumn: classColumn ?? DEFAULT_CLASS_COLUMN,
    classColumnRequired: classColumn !== null,
    confined: given.kind === 'path',
    after: at.row,
    only: failuresOf === null ? null : failedOrdinals(parts, failuresOf),
    signal,
    fetches: fetches.inputs,
  });
  for await (const { last, done, skipped, failures, items } of batches) {
    at = {
      row: last,
      rows: at.rows + done + skipped + failures.length,
      created: at.created + items.created,
      updated: at.updated + items.updated,
      unchanged: at.unchanged + items.unchanged,
    };
    await advance({
      position: at,
      done,
      skipped,
      failed: failures.length,
      failures: failures.map(storedFailure),
    });
    fetches.continue();
  }
  // A folder can have changed since its files were counted.
  await advance({ position: at, total: at.rows, ...nothing });
  const { created, updated, unchanged } = at;
  return `${created} items created, ${updated} updated, ${unchanged} unchanged.`;
}

async function* failedOrdinals({ failures }: IngestJobParts, jobId: string): AsyncGenerator<number> {
  for (let after = 0; ; ) {
    const page = await failures(jobId, after, FAILURES_AT_ONCE);
    for (const { ordinal } of page) yield ordinal;
    if (page.length < FAILURES_AT_ONCE) return;
    after = page.at(-1)?.ordinal ?? after;
  }
}

async function countFailures(parts: IngestJobParts, jobId: string): Promise<number> {
  let count = 0;
  for await (const _ of failedOrdinals(parts, jobId)) count += 1;
  return count;
}

/** A failed row as it is kept. */
export function storedFailure({ ordinal, reference, code, message, columns }: RowFailure): JobFailure {
  return {
    ordinal,
    reference: storable(reference).slice(0, MAX_REFERENCE),
    code,
    message: storable(message),
    input: columns === null ? null : shown(columns),
  };
}

/** The columns, for people; null if they are too long, or cannot be stored. */
function shown(columns: Readonly<Record<string, unknown>>): unknown {
  const short = Object.entries(columns).map(([name, value]) => [
    storable(name),
    typeof value === 'string' ? storable(value.slice(0, MAX_REFERENCE)) : value,
  ]);
  const json = JSON.stringify(Object.fromEntries(short));
  return json.length > MAX_SHOWN || /\\u(0000|d[89a-f])/i.test(json) ? null : JSON.parse(json);
}

function storable(text: string): string {
  return isStorable(text) ? text : text.replaceAll('\u0000', '').toWellFormed();
}
