import type { ItemCopy } from './item-copy.js';
import type { EmbeddingCopy, FeatureCopy, WantedVectors } from './vector-copy-reader.js';
import type { VectorStamp, VectorStamps } from './vector-stamp.js';

/** A copy is made once nothing has changed for so long: an ingest is not slowed, and not each of its chunks copied. */
const STILL_MS = 300;
/** How long what was too large is not looked at again. */
const REFUSED_MS = 60_000;
/** Copies at once: both extractors' features, the embeddings of two encoders, the items. */
const MOST_COPIES = 5;

export type Wanted = WantedVectors | { readonly kind: 'items' };
export type Copy = FeatureCopy | EmbeddingCopy | ItemCopy;

/** Reads what is wanted, as long as it is small. */
export interface CopyReader {
  /** The partitions that a copy of it is made of. */
  partitionsOf(wanted: Wanted): readonly string[];
  /** In several statements, and therefore no snapshot. Null: too large to be copied, or not there. */
  read(wanted: Wanted, signal: AbortSignal): Promise<Copy | null>;
}

interface Held {
  readonly stamp: VectorStamp;
  readonly copy: Copy;
}

/**
 * Copies of small tables in this process's memory, to answer searches with and spare them the way to the database.
 *
 * A copy serves only a search whose stamp, read from the database as the search began, is the copy's own: then it holds
 * exactly what that statement saw. Otherwise the database answers, and a copy is made in the background once the stamp
 * has stood still for a while.
 */
export class StampedCopies {
  private readonly held = new Map<string, Held>();
  private readonly refused = new Map<string, number>();
  private readonly wanted = new Map<string, Wanted>();
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private work: Promise<void> = Promise.resolve();

  constructor(
    private readonly reader: CopyReader,
    readonly stamps: VectorStamps,
  ) {}

  /** The partitions that a stamp has to tell of, so that copies of them can be used. */
  partitions(): string[] {
    return [...this.held.values()].flatMap(({ stamp }) => [...stamp.partitions.keys()]);
  }

  /** The copy if it is what the stamp says; else null, and one that is will be made if nothing changes for a while. */
  find<W extends Wanted>(
    wanted: W,
    stamp: VectorStamp | undefined,
  ): Extract<Copy, { readonly kind: W['kind'] }> | null {
    if (stamp === undefined) return null;
    const key = keyOf(wanted);
    const held = this.held.get(key);
    if (held && isSame(held.stamp, stamp)) {
      // To the end of the line: the first in it is the one used longest ago.
      this.held.delete(key);
      this.held.set(key, held);
      return held.copy as Extract<Copy, { readonly kind: W['kind'] }>;
    }
    if ((this.refused.get(key) ?? 0) < Date.now()) this.want(key, wanted, stamp);
    return null;
  }

  /** Makes copies of these now, as far as they are small and nobody writes meanwhile. */
  async hold(wanted: readonly Wanted[]): Promise<void> {
    for (const one of wanted) this.wanted.set(keyOf(one), one);
    await this.queue(() => this.refresh(null));
  }

  /** Resolves once nothing is being copied or waits to be. */
  async settled(): Promise<void> {
    while (this.timer !== null) await new Promise((done) => setTimeout(done, STILL_MS / 4));
    await this.work;
  }

  /** Lets go of all copies, and makes no more. */
  async close(): Promise<void> {
    this.closing.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.work;
    await this.stamps.settled();
    this.held.clear();
  }

  private want(key: string, wanted: Wanted, stamp: VectorStamp): void {
    this.wanted.set(key, wanted);
    if (this.timer !== null || this.closing.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.queue(() => this.refresh(stamp.changes));
    }, STILL_MS);
    this.timer.unref();
  }

  /** One thing at a time. What fails is tried again when a search wants it again. */
  private queue(work: () => Promise<void>): Promise<void> {
    this.work = this.work.then(work).catch(() => {});
    return this.work;
  }

  /** Copies what is wanted, if nothing has changed since `changes`; else the next search will want it again. */
  private async refresh(changes: string | null): Promise<void> {
    const wanted = [...this.wanted];
    this.wanted.clear();
    for (const [key, one] of wanted) {
      if (this.closing.signal.aborted) return;
      const partitions = this.reader.partitionsOf(one);
      const before = await this.stamps.read(partitions);
      if (changes !== null && changes !== before.changes) return;
      const held = this.held.get(key);
      if (held && isSame(held.stamp, before)) continue;
      // Of no use any more, and not to stand beside the new one.
      this.held.delete(key);
      const copy = await this.reader.read(one, this.closing.signal).catch(() => null);
      if (this.closing.signal.aborted) return;
      if (copy === null) {
        this.refuse(key);
        continue;
      }
      // The same before and after: so it was while every chunk was read, for what was seen stays seen.
      if (!isSame(before, await this.stamps.read(partitions))) continue;
      this.held.set(key, { stamp: before, copy });
      const [oldest] = this.held.keys();
      if (this.held.size > MOST_COPIES && oldest !== undefined) this.held.delete(oldest);
    }
  }

  private refuse(key: string): void {
    const now = Date.now();
    for (const [old, until] of this.refused) if (until < now) this.refused.delete(old);
    this.refused.set(key, now + REFUSED_MS);
  }
}

function keyOf(wanted: Wanted): string {
  return JSON.stringify(wanted);
}

/** Whether nothing that `copy` tells of differs in `now`. */
function isSame(copy: VectorStamp, now: VectorStamp): boolean {
  return (
    copy.changes === now.changes &&
    [...copy.partitions].every(([name, state]) => now.partitions.get(name) === state)
  );
}
