import { NO_POSITION, type WalPosition } from '../../domain/wal-position.js';

/** Callers whose latest write is remembered by itself. */
const MOST_CALLERS = 10_000;

interface Seen {
  /** The caller's reads must see the log of the primary up to here. */
  readonly position: WalPosition;
  /** Until then they are answered by the primary, because the position of a write is not known. */
  readonly primaryUntil: number;
}

const NOTHING: Seen = { position: NO_POSITION, primaryUntil: Number.NEGATIVE_INFINITY };

/**
 * What callers have written through this server. The memory is bounded: callers that wrote the longest time ago share the latest of their
 * positions with all callers that are not remembered. Replicas have replayed it for long, so this costs nothing.
 */
export class CallerPositions {
  private readonly callers = new Map<string, Seen>();
  private others = NOTHING;

  /**
   * @param settledMs after this time every replica in use has replayed a write, in milliseconds
   * @param most callers that are remembered by themselves
   */
  constructor(
    private readonly settledMs: number,
    private readonly most: number = MOST_CALLERS,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param position the log's end after the write; null if it could not be read */
  note(caller: string, position: WalPosition | null): void {
    const seen =
      position === null
        ? { ...NOTHING, primaryUntil: this.now() + this.settledMs }
        : { ...NOTHING, position };
    const known = this.callers.get(caller) ?? NOTHING;
    this.callers.delete(caller);
    this.callers.set(caller, both(known, seen));
    const [oldest] = this.callers;
    if (this.callers.size <= this.most || oldest === undefined) return;
    this.callers.delete(oldest[0]);
    this.others = both(this.others, oldest[1]);
  }

  /** What a read of the caller must see; null: the primary has to answer it. */
  of(caller: string): WalPosition | null {
    const { position, primaryUntil } = this.callers.get(caller) ?? this.others;
    return primaryUntil > this.now() ? null : position;
  }
}

function both(one: Seen, other: Seen): Seen {
  return {
    position: one.position > other.position ? one.position : other.position,
    primaryUntil: Math.max(one.primaryUntil, other.primaryUntil),
  };
}
