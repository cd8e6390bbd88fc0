import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';

/** How old what a watcher sees may be, at most. A run tells how far it is once a second. */
const LOOK_EVERY_MS = 500;

/**
 * Looks at rows as they change, whichever server changes them. However many watch a row, the database is asked for it
 * twice a second at most.
 */
export class EncoderWatch {
  private readonly looks = new Map<
    string,
    { readonly at: number; readonly row: Promise<EncoderRow | null> }
  >();

  constructor(private readonly catalog: Catalog) {}

  /** Ends when the work on the encoder has ended, when it was removed, and when the signal is aborted. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<EncoderRow> {
    let shown = '';
    while (!signal.aborted) {
      const row = await this.look(id);
      if (row === null) return;
      const state = JSON.stringify(row);
      if (state !== shown) yield row;
      shown = state;
      if (!isUnderWay(row.state)) return;
      await setTimeout(LOOK_EVERY_MS, null, { signal }).catch(() => {});
    }
  }

  private look(id: string): Promise<EncoderRow | null> {
    const now = performance.now();
    const known = this.looks.get(id);
    if (known && now - known.at < LOOK_EVERY_MS / 2) return known.row;
    for (const [other, { at }] of this.looks) if (now - at > LOOK_EVERY_MS) this.looks.delete(other);
    const row = this.catalog.encoders.byId(id);
    this.looks.set(id, { at: now, row });
    return row;
  }
}

/** Whether a run in this state goes on by itself. */
function isUnderWay(state: EncoderState): boolean {
  switch (state) {
    case 'queued':
    case 'training':
    case 'embedding':
      return true;
    case 'ready':
    case 'active':
    case 'retired':
    case 'failed':
    case 'cancelled':
      return false;
    default:
      throw new UnreachableCaseError(state);
  }
}
