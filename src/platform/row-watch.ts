import { setTimeout } from 'node:timers/promises';
import { sharedByRequests } from './request-work.js';

/** Time between two reads of a row. */
const POLL_MS = 500;

/**
 * Watches rows by polling, because any server may change them. All watchers of a row share the reads: at most four a second.
 */
export class RowWatch<Row> {
  private readonly reads = new Map<string, { readonly at: number; readonly row: Promise<Row | null> }>();

  /** @param isUnderWay whether a row changes without a further request */
  constructor(
    private readonly readRow: (id: string) => Promise<Row | null>,
    private readonly isUnderWay: (row: Row) => boolean | Promise<boolean>,
  ) {}

  /** The row, and the row again after each change. Ends when the work ends, when the row is removed, and when the signal is aborted. */
  async *watch(id: string, signal: AbortSignal): AsyncGenerator<Row> {
    let shown = '';
    while (!signal.aborted) {
      const row = await this.read(id);
      if (row === null) return;
      const state = JSON.stringify(row);
      if (state !== shown) yield row;
      shown = state;
      if (!(await this.isUnderWay(row))) return;
      await setTimeout(POLL_MS, null, { signal }).catch(() => {});
    }
  }

  private read(id: string): Promise<Row | null> {
    const now = performance.now();
    const known = this.reads.get(id);
    if (known && now - known.at < POLL_MS / 2) return known.row;
    for (const [other, { at }] of this.reads) if (now - at > POLL_MS) this.reads.delete(other);
    const row = sharedByRequests(() => this.readRow(id));
    this.reads.set(id, { at: now, row });
    return row;
  }
}
