import { setImmediate } from 'node:timers/promises';
import pLimit from 'p-limit';
import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../../catalog/catalog.js';
import { EncodersChanged, IdentityConflict } from '../../catalog/repositories/item-writes.js';
import type { ExistingItem, ItemWrite } from '../../catalog/types.js';
import { CommonspaceError, type ReportUnexpected } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';
import type { MediaStore } from '../../media/media-store.js';
import type { ActiveEncoder } from '../serving/active-encoder.js';
import type { ImageExtractors } from '../serving/image-extractors.js';
import { Answers, type IngestOutcome } from './ingest-answers.js';
import type { IngestInput } from './ingest-input.js';
import type { IngestPreparation, PreparedItem } from './ingest-preparation.js';
import { identityOf, mergeWrite } from './item-identity.js';

export interface IngestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called as inputs are done, with how many of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
  /** Path of the list of inputs, for the fields that failures name. */
  readonly field?: readonly string[];
}

/** Inputs handled together: large enough to keep every extractor busy, small enough to answer for in one transaction. */
const CHUNK = 64;
/** Chunks under way at once, so that one is extracted while another is decoded and a third is written. */
const CHUNKS_AT_ONCE = 3;
/** How often a write is tried where other writers, or other encoders, come in between. */
const WRITE_ATTEMPTS = 8;
/** Features embedded before the event loop gets its turn. */
const SLICE = 16;

/** Of the inputs of a chunk, by index; what is extracted late is added. */
type ExtractedFeatures = Map<number, Map<string, Float32Array>>;

const NO_FEATURES: ReadonlyMap<string, Float32Array> = new Map();

interface PlannedWrite {
  readonly item: PreparedItem;
  readonly found: ExistingItem | null;
  readonly merged: Exclude<ReturnType<typeof mergeWrite>, 'UNCHANGED'>;
}

/**
 * Stores images and texts: bytes → media → features → embedding → catalogue. Idempotent by external id, or by content
 * and pair for items without one.
 */
export class IngestService {
  /** Writes go one after another, so that what a chunk finds is what the one before it left. */
  private readonly writing = pLimit(1);

  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly imageExtractors: ImageExtractors,
    private readonly encoders: ActiveEncoder,
    private readonly preparation: IngestPreparation,
    private readonly reportUnexpected: ReportUnexpected,
  ) {}

  /**
   * Answers for every input, in order. An input at fault fails alone; an input that comes twice is handled in order.
   *
   * @throws CommonspaceError CANCELLED when `signal` is aborted; chunks written before stay.
   */
  async ingest(inputs: readonly IngestInput[], options: IngestOptions = {}): Promise<IngestOutcome[]> {
    const { signal, onProgress, field = ['input', 'items'] } = options;
    const answers = new Answers(inputs.length, field, this.reportUnexpected, signal);
    const limit = pLimit(CHUNKS_AT_ONCE);
    let done = 0;
    // Each chunk's write waits for the write of the one before, which keeps the order that duplicates depend on.
    let before: Promise<unknown> = Promise.resolve();
    const chunks: Promise<void>[] = [];
    for (let start = 0; start < inputs.length; start += CHUNK) {
      const chunk = inputs.slice(start, start + CHUNK);
      const previous = before;
      const written = limit(async () => {
        answers.throwIfCancelled();
        const items = await this.preparation.prepare(chunk, start, answers);
        const features: ExtractedFeatures = new Map();
        const { open } = await this.imageExtractors.needed();
        await this.preparation.extract(await this.withNewContent(items), open, answers, features);
        await previous;
        await this.writing(() => this.write(items, features, answers));
        done += chunk.length;
        onProgress?.(done, inputs.length);
      });
      before = written.catch(() => {});
      chunks.push(written);
    }
    await allSettled(chunks);
    return answers.all();
  }

  /** The items whose content the catalogue does not hold under their identity: only these need extraction. */
  private async withNewContent(items: readonly PreparedItem[]): Promise<PreparedItem[]> {
    const existing = await this.catalog.items.findExisting(items.map(identityOf));
    return items.filter((item, i) => existing[i]?.row.contentHash !== item.contentHash);
  }

  /** Writes a chunk; inputs of one identity go in waves, so that a later one finds what an earlier one made. */
  private async write(
    items: readonly PreparedItem[],
    features: ExtractedFeatures,
    answers: Answers,
  ): Promise<void> {
    let waiting = items.filter((item) => !answers.has(item.index));
    while (waiting.length > 0) {
      const { wave, later } = splitWave(waiting);
      await answers.attemptAll(wave, () => this.writeWaveAsItIs(wave, features, answers));
      waiting = later;
    }
  }

  /** What a wave was prepared for may have changed when it is written: then it is looked at again. */
  private async writeWaveAsItIs(
    wave: readonly PreparedItem[],
    features: ExtractedFeatures,
    answers: Answers,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.writeWave(wave, features, answers);
      } catch (error) {
        const changed = error instanceof EncodersChanged || error instanceof IdentityConflict;
        if (!changed || attempt === WRITE_ATTEMPTS) throw error;
      }
    }
  }

  private async writeWave(
    wave: readonly PreparedItem[],
    features: ExtractedFeatures,
    answers: Answers,
  ): Promise<void> {
    const existing = await this.catalog.items.findExisting(wave.map(identityOf));
    const planned: PlannedWrite[] = [];
    for (const [i, item] of wave.entries()) {
      const found = existing[i] ?? null;
      const merged = await answers.attempt(item.index, (field) => mergeWrite(item, found, field));
      if (merged === 'UNCHANGED' && found !== null)
        answers.set(item.index, { status: 'UNCHANGED', item: found.row });
      else if (merged !== null && merged !== 'UNCHANGED') planned.push({ item, found, merged });
    }
    if (planned.length === 0) return;

    // What was there when the chunk was looked up may have changed since: an earlier input of the same key, a deletion,
    // an encoder that reads other features.
    const { open, tried } = await this.imageExtractors.needed();
    const changed = planned.filter(hasNewContent).map(({ item }) => item);
    await this.preparation.extract(changed, open, answers, features);
    const ready = planned.filter(({ item }) => !answers.has(item.index));
    const writes = await this.toWrites(ready, features, tried);
    const rows = await this.catalog.items.upsertMany(writes);
    ready.forEach(({ item, found }, i) => {
      const row = rows[i];
      if (row !== undefined)
        answers.set(item.index, { status: found === null ? 'CREATED' : 'UPDATED', item: row });
    });
    await this.keepPictures(ready);
    await this.forgetReplaced(ready);
  }

  /**
   * A deletion may have removed a file after it was stored and before its item was written: then it is stored again. From
   * now on no deletion removes it, because the item is visible.
   */
  private async keepPictures(planned: readonly PlannedWrite[]): Promise<void> {
    for (const { item } of planned) {
      if (item.modality === 'IMAGE' && !(await this.media.has(item.contentHash)))
        await this.media.put(item.bytes);
    }
  }

  private async toWrites(
    planned: readonly PlannedWrite[],
    features: ExtractedFeatures,
    tried: ReadonlySet<string>,
  ): Promise<ItemWrite[]> {
    const live = await this.encoders.live();
    const writes: ItemWrite[] = [];
    let embedded = 0;
    for (const { item, found, merged } of planned) {
      const own = (hasNewContent({ item, found }) && features.get(item.index)) || NO_FEATURES;
      const embeddings = new Map<string, Float32Array>();
      for (const { row, encoder } of live) {
        const feature = own.get(item.modality === 'IMAGE' ? row.imageExtractor : row.textExtractor);
        if (feature === undefined) continue;
        if (embedded++ % SLICE === SLICE - 1) await setImmediate();
        embeddings.set(row.id, encoder.embed(item.modality, feature));
      }
      writes.push({ ...merged, id: found?.row.id ?? uuidv7(), features: own, tried, embeddings });
    }
    return writes;
  }

  /** Removes pictures that an update replaced and that nothing else uses. */
  private async forgetReplaced(planned: readonly PlannedWrite[]): Promise<void> {
    const replaced = planned.flatMap((plan) =>
      plan.found !== null && hasNewContent(plan) ? [plan.found.row.contentHash] : [],
    );
    if (replaced.length === 0) return;
    await this.catalog.media.removeUnreferenced(replaced, (hash) => this.media.remove(hash));
  }
}

/** @throws CommonspaceError TOO_MANY_ITEMS */
export function checkBatchSize(count: number, field: readonly string[]): void {
  if (count > LIMITS.itemsPerCall) {
    throw new CommonspaceError(
      'TOO_MANY_ITEMS',
      `${count} items in one call; the limit is ${LIMITS.itemsPerCall}.`,
      field,
    );
  }
}

function hasNewContent({ item, found }: Pick<PlannedWrite, 'item' | 'found'>): boolean {
  return found?.row.contentHash !== item.contentHash;
}

/** The first item of each identity now, the others later. */
function splitWave(items: readonly PreparedItem[]): { wave: PreparedItem[]; later: PreparedItem[] } {
  const taken = new Set<string>();
  const wave: PreparedItem[] = [];
  const later: PreparedItem[] = [];
  for (const item of items) {
    const key = JSON.stringify(identityOf(item));
    (taken.has(key) ? later : wave).push(item);
    taken.add(key);
  }
  return { wave, later };
}

/** Waits for all, then throws the first failure: nothing goes on in the background after an answer. */
async function allSettled(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
