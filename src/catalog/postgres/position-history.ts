import type { WalPosition } from '../../domain/wal-position.js';

interface Sample {
  readonly position: WalPosition;
  /** Milliseconds. */
  readonly at: number;
}

/**
 * Where the log of the primary was at known times. The lag of a replica follows from it by one clock alone, that of this process, and is 0
 * while nothing is written. (A replica itself knows when the last transaction that it has replayed was committed, by the clock of the primary,
 * which says nothing when no transaction follows.)
 */
export class PositionHistory {
  private samples: Sample[] = [];

  /** @param keptMs positions of this time are kept; longer lags are given as infinite */
  constructor(private readonly keptMs: number) {}

  /** @param at when the position was asked for, so that the log had not passed it before */
  note(position: WalPosition, at: number): void {
    const last = this.samples.at(-1);
    // The primary was replaced by one with a shorter log.
    if (last !== undefined && position < last.position) this.samples = [];
    this.samples.push({ position, at });
    const first = this.samples.findIndex((sample) => at - sample.at <= this.keptMs);
    // One older sample says how long a position that lies before all others is missing at least.
    this.samples = this.samples.slice(Math.max(0, first - 1));
  }

  /** The latest position; null before the first. */
  get latest(): WalPosition | null {
    return this.samples.at(-1)?.position ?? null;
  }

  /**
   * How long the log of the primary has been beyond a position, in milliseconds; infinite if it was at the first sample, or without samples.
   * It is too low by the time between two samples at most.
   */
  lagOf(position: WalPosition, now: number): number {
    const first = this.samples.findIndex((sample) => sample.position > position);
    if (first === -1) return this.samples.length === 0 ? Number.POSITIVE_INFINITY : 0;
    const sample = this.samples[first];
    return first === 0 || sample === undefined ? Number.POSITIVE_INFINITY : now - sample.at;
  }
}
