import { setTimeout } from 'node:timers/promises';
import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { EncoderState } from '../../domain/encoder-status.js';
import { UnreachableCaseError } from '../../domain/errors.js';
import { sharedByRequests } from '../../platform/request-work.js';

/** Time between two reads of a row. A run stores its progress once a second. */
const POLL_MS = 500;

/**
 * Watches rows by polling, because any server may change them. All watchers of a row share the reads: at most four a second.
 */
export class EncoderWatch {
  private readonly reads = new Map<
    string,
    { readonly at: number; readonly row: Promise<EncoderRow | null> }
  >();

  constructor(private readonly catalog: Catalog) {}

  /** Ends when the run ends, when the encoder is removed, and when the signal is aborted. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<EncoderRow> {
    let shown = '';
    while (!signal.aborted) {
      const row = await this.read(id);
      if (row === null) return;
      const state = JSON.stringify(row);
      if (state !== shown) yield row;
      shown = state;
      if (!isUnderWay(row.state)) return;
      await setTimeout(POLL_MS, null, { signal }).catch(() => {});
    }
  }

  private read(id: string): Promise<EncoderRow | null> {
    const now = performance.now();
    const known = this.reads.get(id);
    if (known && now - known.at < POLL_MS / 2) return known.row;
    for (const [other, { at }] of this.reads) if (now - at > POLL_MS) this.reads.delete(other);
    const row = sharedByRequests(() => this.catalog.encoders.byId(id));
    this.reads.set(id, { at: now, row });
    return row;
  }
}

/** Whether a run in this state changes without a further request. */
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
