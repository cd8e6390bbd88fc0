import { setImmediate, setTimeout } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import type { Catalog } from '../../catalog/catalog.js';
import { IdentityConflict } from '../../catalog/repositories/item-identities.js';
import { EncodersChanged, ItemsChanged } from '../../catalog/repositories/item-writes.js';
import type { ItemWrite } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';
import type { FeatureExtraction } from './feature-extraction.js';
import { failed, fieldOf, type IngestCall, type InputOutcome, type StepResult } from './ingest-outcome.js';
import type { ItemFeatures, PreparedItem } from './ingest-preparation.js';
import { hasNewContent, type IngestSnapshot, type IngestSnapshots } from './ingest-snapshot.js';
import { identityOf, type MergedWrite, mergeWrite } from './item-identity.js';
import { PairSizes } from './pair-sizes.js';

/** Attempts to write items while other writers interfere. */
const WRITE_ATTEMPTS = 8;
/** The longest wait before the second attempt is twice this. It doubles with each attempt. */
const FIRST_WAIT_MS = 5;
/** What other writers can do between a snapshot and the write. */
const INTERFERENCES = [EncodersChanged, IdentityConflict, ItemsChanged] as const;
/** Features embedded before other work of the event loop runs. */
const EMBEDDED_AT_ONCE = 16;

const NO_FEATURES: ItemFeatures = new Map();

/** The outcomes of an attempt; `items` are those to attempt again, because another writer interfered. */
type AttemptResult = StepResult<PreparedItem>;

/** An item to insert or update. */
interface PlannedWrite {
  readonly item: PreparedItem;
  readonly merged: MergedWrite;
}

/** The third step of ingest: writes items, their features and their embeddings. */
export class IngestWriter {
  constructor(
    private readonly catalog: Catalog,
    private readonly media: MediaStore,
    private readonly snapshots: IngestSnapshots,
    private readonly extraction: FeatureExtraction,
  ) {}

  /**
   * Items of one identity are written one after another, in their order. The others are written together: all or none.
   *
   * @throws CommonspaceError CANCELLED
   */
  async write(items: readonly PreparedItem[], call: IngestCall): Promise<InputOutcome[]> {
    const outcomes: InputOutcome[] = [];
    for (const batch of batchesOf(items)) outcomes.push(...(await this.writeBatch(batch, call)));
    return outcomes;
  }

  /** Attempts again, from a new snapshot, while other writers interfere. */
  private async writeBatch(batch: readonly PreparedItem[], call: IngestCall): Promise<InputOutcome[]> {
    const outcomes: InputOutcome[] = [];
    let waiting = batch;
    for (let left = WRITE_ATTEMPTS - 1; waiting.length > 0; left -= 1) {
      const result = await this.attempt(waiting, call, left);
      outcomes.push(...result.outcomes);
      waiting = result.items;
      if (waiting.length > 0) await setTimeout(Math.random() * FIRST_WAIT_MS * 2 ** (WRITE_ATTEMPTS - left));
    }
    return outcomes;
  }

  private async attempt(
    items: readonly PreparedItem[],
    call: IngestCall,
    attemptsLeft: number,
  ): Promise<AttemptResult> {
    try {
      const snapshot = await this.snapshots.take(items);
      const planned = planWrites(items, snapshot, call);
      const extracted = await this.extraction.extract(
        planned.items.map(({ item }) => item),
        snapshot,
        call,
      );
      const left = withItems(planned.items, extracted.items);
      const written = await this.store(left, snapshot, call, attemptsLeft).catch(
        (error: unknown): AttemptResult => ({
          items: [],
          outcomes: failed(call, indicesOf(left.map(({ item }) => item)), error),
        }),
      );
      return {
        items: written.items,
        outcomes: [...planned.outcomes, ...extracted.outcomes, ...written.outcomes],
      };
    } catch (error) {
      return { items: [], outcomes: failed(call, indicesOf(items), error) };
    }
  }

  private async store(
    planned: readonly PlannedWrite[],
    snapshot: IngestSnapshot,
    call: IngestCall,
    attemptsLeft: number,
  ): Promise<AttemptResult> {
    const items = planned.map(({ item }) => item);
    try {
      const rows = await this.catalog.items.upsertMany(await toWrites(planned, snapshot));
      // The items are committed: an error with the files does not undo that.
      await this.restoreFiles(items).catch(call.reportUnexpected);
      await this.removeReplacedFiles(items, snapshot).catch(call.reportUnexpected);
      const outcomes = rows.map((row, i): InputOutcome => {
        const index = items[i]?.index ?? -1;
        return {
          index,
          outcome: { status: snapshot.existing.has(index) ? 'UPDATED' : 'CREATED', item: row },
        };
      });
      return { items: [], outcomes };
    } catch (error) {
      if (!INTERFERENCES.some((kind) => error instanceof kind)) throw error;
      if (attemptsLeft > 0) return { items, outcomes: [] };
      throw new CommonspaceError('BUSY', 'Other writers change the same items. Try again later.', [], {
        cause: error,
      });
    }
  }

  /**
   * A deletion may have removed a file after it was stored and before its item was written: then it is restored. From
   * now on no deletion removes it, because the item is visible.
   */
  private async restoreFiles(items: readonly PreparedItem[]): Promise<void> {
    await Promise.all(
      items.map(async (item) => {
        if (item.modality === 'IMAGE' && !(await this.media.has(item.contentHash))) await item.held.restore();
      }),
    );
  }

  /** Removes the files of images that an update replaced, if no other item shows them. */
  private async removeReplacedFiles(items: readonly PreparedItem[], snapshot: IngestSnapshot): Promise<void> {
    const replaced = items.flatMap((item) => {
      const former = snapshot.existing.get(item.index)?.row.contentHash;
      return former !== undefined && former !== item.contentHash ? [former] : [];
    });
    if (replaced.length === 0) return;
    await this.catalog.media.removeUnreferenced(replaced, (hash) => this.media.remove(hash));
  }
}

/** The first item of each identity, then the second of each, and so on: a later one must find what an earlier one wrote. */
function batchesOf(items: readonly PreparedItem[]): PreparedItem[][] {
  const batches: PreparedItem[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const key = JSON.stringify(identityOf(item));
    const earlier = seen.get(key) ?? 0;
    seen.set(key, earlier + 1);
    const batch = batches[earlier] ?? [];
    batch.push(item);
    batches[earlier] = batch;
  }
  return batches;
}

/** The items that must be written; the others are unchanged, or contradict the stored item. */
function planWrites(
  items: readonly PreparedItem[],
  { existing, pairSizes }: IngestSnapshot,
  call: IngestCall,
): StepResult<PlannedWrite> {
  const pairs = new PairSizes(pairSizes);
  const results = items.map((item): StepResult<PlannedWrite> => {
    try {
      const found = existing.get(item.index) ?? null;
      const merged = mergeWrite(item, found, fieldOf(call, item.index));
      if (merged.kind === 'write') {
        const field = [...fieldOf(call, item.index), 'pairKey'];
        pairs.add(merged.write.pairKey, found?.pairKey ?? null, field);
        return { items: [{ item, merged: merged.write }], outcomes: [] };
      }
      const outcome = { status: 'UNCHANGED', item: merged.row } as const;
      return { items: [], outcomes: [{ index: item.index, outcome }] };
    } catch (error) {
      return { items: [], outcomes: failed(call, [item.index], error) };
    }
  });
  return {
    items: results.flatMap((result) => result.items),
    outcomes: results.flatMap((result) => result.outcomes),
  };
}

/** The plans of those of the items that are left, with the features that they have now. */
function withItems(planned: readonly PlannedWrite[], items: readonly PreparedItem[]): PlannedWrite[] {
  const byIndex = new Map(items.map((item) => [item.index, item]));
  return planned.flatMap(({ item, merged }) => {
    const left = byIndex.get(item.index);
    return left === undefined ? [] : [{ item: left, merged }];
  });
}

async function toWrites(planned: readonly PlannedWrite[], snapshot: IngestSnapshot): Promise<ItemWrite[]> {
  const tried = new Set(snapshot.encoders.flatMap(({ row }) => [row.imageExtractor, row.textExtractor]));
  const writes: ItemWrite[] = [];
  for (const [i, { item, merged }] of planned.entries()) {
    if (i % EMBEDDED_AT_ONCE === EMBEDDED_AT_ONCE - 1) await setImmediate();
    const features = hasNewContent(item, snapshot) ? item.features : NO_FEATURES;
    const embeddings = embeddingsOf(item, features, snapshot.encoders);
    const id = snapshot.existing.get(item.index)?.row.id ?? uuidv7();
    writes.push({ ...merged, id, features, tried, embeddings });
  }
  return writes;
}

/** By encoder id, of the encoders whose feature the item has. */
function embeddingsOf(
  { modality }: PreparedItem,
  features: ItemFeatures,
  encoders: readonly LoadedEncoder[],
): Map<string, Float32Array> {
  return new Map(
    encoders.flatMap(({ row, encoder }) => {
      const feature = features.get(modality === 'IMAGE' ? row.imageExtractor : row.textExtractor);
      return feature === undefined ? [] : [[row.id, encoder.embed(modality, feature)] as const];
    }),
  );
}

function indicesOf(items: readonly PreparedItem[]): number[] {
  return items.map(({ index }) => index);
}
