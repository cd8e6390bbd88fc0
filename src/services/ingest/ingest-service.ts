import pLimit from 'p-limit';
import {
  CommonspaceError,
  type FieldPath,
  type ReportUnexpected,
  throwIfCancelled,
} from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';
import { LIMITS } from '../../domain/limits.js';
import type { FeatureExtraction } from './feature-extraction.js';
import type { IngestInput } from './ingest-input.js';
import { type IngestCall, type IngestOutcome, type InputOutcome, inOrder } from './ingest-outcome.js';
import { type IndexedInput, type IngestPreparation, releaseFiles } from './ingest-preparation.js';
import type { IngestSnapshots } from './ingest-snapshot.js';
import type { IngestWriter } from './ingest-writer.js';

export interface IngestOptions extends RequestScope {
  /** Called as inputs are done, with how many of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  /** Path of the list of inputs, for the fields that failures name. */
  readonly field?: FieldPath;
}

/** The steps of ingest: prepare, extract, write. */
export interface IngestSteps {
  readonly preparation: IngestPreparation;
  readonly extraction: FeatureExtraction;
  readonly writer: IngestWriter;
}

/** Inputs that go through the steps together: enough to use all extractor threads, few enough for one transaction. */
const CHUNK = 64;
/** Chunks in progress at once, so that one is extracted while another is prepared and a third is written. */
const CHUNKS_AT_ONCE = 3;

/**
 * Stores images and texts: bytes → media → features → embedding → catalogue. Idempotent by external id, or by content
 * and pair for items without one.
 */
export class IngestService {
  /** One write at a time, of all calls: concurrent writes would interfere with each other. */
  private readonly writing = pLimit(1);

  constructor(
    private readonly steps: IngestSteps,
    private readonly snapshots: IngestSnapshots,
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /**
   * The outcomes of all inputs, in order. A failing input does not affect the others. Inputs with the same identity are
   * handled in order.
   *
   * @throws CommonspaceError CANCELLED when `signal` is aborted; chunks written before stay.
   */
  async ingest(inputs: readonly IngestInput[], options: IngestOptions = {}): Promise<IngestOutcome[]> {
    const { signal, fetches, onProgress, field = ['input', 'items'] } = options;
    const call: IngestCall = { field, signal, fetches, reportUnexpected: this.reportUnexpected };
    const limit = pLimit(CHUNKS_AT_ONCE);
    let done = 0;
    // A chunk is written after the one before it, which keeps inputs of one identity in order.
    let previous: Promise<unknown> = Promise.resolve();
    const results = chunksOf(inputs).map((chunk) => {
      const before = previous;
      const result = limit(async () => {
        const outcomes = await this.ingestChunk(chunk, before, call);
        done += chunk.length;
        onProgress?.(done, inputs.length);
        return outcomes;
      });
      previous = result.catch(() => {});
      return result;
    });
    return inOrder(inputs.length, (await allSettled(results)).flat());
  }

  private async ingestChunk(
    chunk: readonly IndexedInput[],
    before: Promise<unknown>,
    call: IngestCall,
  ): Promise<InputOutcome[]> {
    throwIfCancelled(call.signal);
    const { preparation, extraction, writer } = this.steps;
    const prepared = await preparation.prepare(chunk, call);
    try {
      // Extracted ahead, while earlier chunks are written; the writer extracts what turns out to be missing then.
      const snapshot = await this.snapshots.take(prepared.items);
      const extracted = await extraction.extract(prepared.items, snapshot, call);
      await before;
      const written = await this.writing(() => writer.write(extracted.items, call));
      return [...prepared.outcomes, ...extracted.outcomes, ...written];
    } finally {
      await releaseFiles(prepared.items).catch(this.reportUnexpected);
    }
  }
}

/** @throws CommonspaceError TOO_MANY_ITEMS */
export function checkBatchSize(count: number, field: FieldPath): void {
  if (count > LIMITS.itemsPerCall) {
    throw new CommonspaceError(
      'TOO_MANY_ITEMS',
      `${count} items in one call; the limit is ${LIMITS.itemsPerCall}.`,
      field,
    );
  }
}

function chunksOf(inputs: readonly IngestInput[]): IndexedInput[][] {
  const indexed = inputs.map((input, index) => ({ index, input }));
  const count = Math.ceil(inputs.length / CHUNK);
  return Array.from({ length: count }, (_, i) => indexed.slice(i * CHUNK, (i + 1) * CHUNK));
}

/** Waits for all, then throws the first error, so that no work goes on after the answer. */
async function allSettled<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
