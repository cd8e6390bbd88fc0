const ROUNDING = 1e-6;

/** A bucket that drains evenly: how much of what a minute allows is used up. */
export class LeakyBucket {
  private used = 0;
  private at: number;

  /** @param now milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.at = now();
  }

  /** What can be taken now; negative if more was taken than a minute allows. */
  left(perMinute: number): number {
    const now = this.now();
    this.used = Math.max(0, this.used - ((now - this.at) / 60_000) * perMinute);
    this.at = now;
    return perMinute - this.used;
  }

  /**
   * Takes an amount if it is left. More than a minute allows can be taken from a full bucket only, and what follows waits longer. Nothing
   * can always be taken.
   *
   * @returns 0 if it was taken, or else the seconds after which it can be
   */
  take(amount: number, perMinute: number): number {
    const missing = amount <= 0 ? 0 : Math.min(amount, perMinute) - this.left(perMinute);
    // Less than this is an error of rounding.
    if (missing > ROUNDING) return Math.max(1, Math.ceil((missing / perMinute) * 60 - ROUNDING));
    this.add(amount);
    return 0;
  }

  /** Adds what was used already. */
  add(amount: number): void {
    this.used += amount;
  }

  /** Replaces what it holds. */
  set(used: number): void {
    this.used = used;
    this.at = this.now();
  }
}
