import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { Catalog } from '../../catalog/catalog.js';
import { IdentityConflict } from '../../catalog/repositories/item-identities.js';
import type { ItemUpdate } from '../../catalog/repositories/item-updates.js';
import { ItemsChanged } from '../../catalog/repositories/item-writes.js';
import type { ExistingItem, ItemRow } from '../../catalog/types.js';
import { CommonspaceError, type FieldPath, type ReportUnexpected } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { observe } from '../../domain/observations.js';
import {
  failed,
  fieldOf,
  type IngestCall,
  type IngestOutcome,
  type InputOutcome,
  inOrder,
} from './ingest-outcome.js';
import { checkItemChange, type ItemChangeInput } from './item-change-input.js';
import { mergeUpdate } from './merge-update.js';
import { PairSizes } from './pair-sizes.js';

/** Attempts to write updates while other writers change the same items. */
const ATTEMPTS = 8;
/** The longest wait before the second attempt. It doubles with each attempt. */
const FIRST_WAIT_MS = 10;
/** Updates of one transaction. */
const CHUNK = 100;

interface IndexedChange {
  readonly index: number;
  readonly change: ItemChangeInput;
}

/** Calls that wait at most. A chunk takes some 10 ms. */
const MOST_WAITING = 200;

/** A change that has an effect. */
interface Planned extends IndexedChange {
  readonly update: ItemUpdate;
}

/** Changes titles, metadata, classes and pairs of stored items. Their contents and vectors stay. */
export class ItemUpdates {
  /** One write at a time, of all calls: concurrent writes of the same items would interfere with each other. */
  private readonly writing = pLimit(1);

  constructor(
    private readonly catalog: Pick<Catalog, 'items'>,
    private readonly reportUnexpected: ReportUnexpected,
    private readonly mostWaiting = MOST_WAITING,
  ) {}

  /**
   * The outcomes of all changes, in order. A change that fails does not affect the others. Changes of one item are made in their
   * order. Changes are written in transactions of up to 100.
   *
   * @param field path of the list of changes, for the fields that failures name
   * @throws CommonspaceError BUSY if too many calls wait; nothing is changed then
   */
  async update(
    changes: readonly ItemChangeInput[],
    field: FieldPath,
    signal?: AbortSignal,
  ): Promise<IngestOutcome[]> {
    // One of them is written.
    if (this.writing.pendingCount + this.writing.activeCount > this.mostWaiting) {
      observe({ kind: 'refusal', reason: 'updates' });
      throw new CommonspaceError('BUSY', 'Too many updates of items wait. Try again later.');
    }
    const call: IngestCall = { field, signal, reportUnexpected: this.reportUnexpected };
    const outcomes: InputOutcome[] = [];
    const valid: IndexedChange[] = [];
    changes.forEach((change, index) => {
      try {
        checkItemChange(change, fieldOf(call, index));
        valid.push({ index, change });
      } catch (error) {
        outcomes.push(...failed(call, [index], error));
      }
    });
    for (let start = 0; start < valid.length; start += CHUNK) {
      const chunk = valid.slice(start, start + CHUNK);
      outcomes.push(...(await this.writing(() => this.write(chunk, call))));
    }
    return inOrder(changes.length, outcomes);
  }

  /** All together; what waits for an earlier change of the same item, or met another writer, is attempted again. */
  private async write(changes: readonly IndexedChange[], call: IngestCall): Promise<InputOutcome[]> {
    const outcomes: InputOutcome[] = [];
    let waiting = changes;
    let interfered = 0;
    while (waiting.length > 0) {
      const last = interfered === ATTEMPTS - 1;
      const result = await this.attempt(waiting, call, last);
      outcomes.push(...result.outcomes);
      interfered = result.interfered ? interfered + 1 : 0;
      waiting = result.waiting;
      if (result.interfered) await setTimeout(Math.random() * FIRST_WAIT_MS * 2 ** interfered);
    }
    return outcomes;
  }

  private async attempt(changes: readonly IndexedChange[], call: IngestCall, last: boolean) {
    const indices = changes.map(({ index }) => index);
    try {
      const { outcomes, planned, waiting } = await this.plan(changes, call);
      try {
        return { outcomes: [...outcomes, ...(await this.store(planned))], waiting, interfered: false };
      } catch (error) {
        if (error instanceof IdentityConflict) {
          return {
            outcomes: [...outcomes, ...(await this.each(planned, call, error))],
            waiting,
            interfered: false,
          };
        }
        if (!(error instanceof ItemsChanged)) throw error;
        if (!last) return { outcomes: [], waiting: changes, interfered: true };
        throw new CommonspaceError('BUSY', 'Other writers change the same items. Try again later.', [], {
          cause: error,
        });
      }
    } catch (error) {
      return { outcomes: failed(call, indices, error), waiting: [], interfered: false };
    }
  }

  /** One by one, so that only those fail whose identity another item has. */
  private async each(
    planned: readonly Planned[],
    call: IngestCall,
    conflict: IdentityConflict,
  ): Promise<InputOutcome[]> {
    const [only] = planned;
    if (planned.length === 1 && only !== undefined) {
      const message = 'Another item without external id has the same content in this pair.';
      const field = [...fieldOf(call, only.index), 'pairKey'];
      return failed(
        call,
        [only.index],
        new CommonspaceError('ITEM_EXISTS', message, field, { cause: conflict }),
      );
    }
    const outcomes: InputOutcome[] = [];
    for (const { index, change } of planned) outcomes.push(...(await this.write([{ index, change }], call)));
    return outcomes;
  }

  private async plan(changes: readonly IndexedChange[], call: IngestCall) {
    const found = await this.find(changes);
    const pairs = new PairSizes(
      await this.catalog.items.pairSizes([...new Set(changes.flatMap(({ change }) => change.pairKey ?? []))]),
    );
    const outcomes: InputOutcome[] = [];
    const planned: Planned[] = [];
    const waiting: IndexedChange[] = [];
    const taken = new Set<string>();
    for (const one of changes) {
      const field = fieldOf(call, one.index);
      try {
        const item = found(one.change, field);
        if (taken.has(item.row.id)) {
          waiting.push(one);
          continue;
        }
        const update = mergeUpdate(item, one.change, field);
        if (update !== null) pairs.add(update.pairKey, item.pairKey, [...field, 'pairKey']);
        taken.add(item.row.id);
        if (update === null)
          outcomes.push({ index: one.index, outcome: { status: 'UNCHANGED', item: item.row } });
        else planned.push({ ...one, update });
      } catch (error) {
        outcomes.push(...failed(call, [one.index], error));
      }
    }
    return { outcomes, planned, waiting };
  }

  /** Finds the item of a change. @throws CommonspaceError ITEM_NOT_FOUND */
  private async find(
    changes: readonly IndexedChange[],
  ): Promise<(change: ItemChangeInput, field: FieldPath) => ExistingItem> {
    const items = await this.catalog.items.toUpdate(
      changes.flatMap(({ change: { id } }) => (id != null && isUuid(id) ? [id] : [])),
      changes.flatMap(({ change: { externalId } }) => externalId ?? []),
    );
    const byId = new Map(items.map((item) => [item.row.id, item]));
    const byKey = new Map(items.map((item) => [item.row.externalId, item]));
    return ({ id, externalId }, field) => {
      const item = id != null ? byId.get(id.toLowerCase()) : byKey.get(externalId ?? '');
      if (item !== undefined) return item;
      const [name, value] = id != null ? ['id', id] : ['externalId', externalId];
      throw new CommonspaceError('ITEM_NOT_FOUND', `No item has the ${name} ${JSON.stringify(value)}.`, [
        ...field,
        name,
      ]);
    };
  }

  private async store(planned: readonly Planned[]): Promise<InputOutcome[]> {
    if (planned.length === 0) return [];
    const rows = await this.catalog.items.update(planned.map(({ update }) => update));
    return planned.map(({ index, update }) => ({
      index,
      outcome: { status: 'UPDATED', item: rowOf(rows, update.id) },
    }));
  }
}

function rowOf(rows: ReadonlyMap<string, ItemRow>, id: string): ItemRow {
  const row = rows.get(id);
  if (row === undefined) throw new Error(`item ${id} was not written`);
  return row;
}
