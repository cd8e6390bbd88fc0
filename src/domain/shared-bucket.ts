import { LeakyBucket } from './leaky-bucket.js';

/** What a bucket was found to hold, as the time in which it drains. */
interface Found {
  readonly seconds: number;
  /** Milliseconds. */
  readonly at: number;
}

/**
 * A leaky bucket that several servers fill. Each one counts for itself, and from time to time learns what all have put in. What they exchange
 * are the seconds in which amounts drain.
 */
export class SharedBucket {
  private readonly bucket: LeakyBucket;
  /** Seconds that other servers do not know of. */
  private unsent = 0;
  private found: Found | null = null;
  private perMinute = 0;

  /** @param now milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.bucket = new LeakyBucket(now);
  }

  /** As `LeakyBucket.left`. */
  left(perMinute: number): number {
    this.adopt(perMinute);
    return this.bucket.left(perMinute);
  }

  /** As `LeakyBucket.take`. */
  take(amount: number, perMinute: number): number {
    this.adopt(perMinute);
    const seconds = this.bucket.take(amount, perMinute);
    if (seconds === 0) this.note(amount);
    return seconds;
  }

  /** As `LeakyBucket.add`. */
  add(amount: number, perMinute: number): void {
    this.adopt(perMinute);
    this.bucket.add(amount);
    this.note(amount);
  }

  /** Takes out what other servers do not know of, in seconds. What has drained meanwhile is not part of it. */
  takeUnsent(): number {
    if (this.unsent === 0 || this.perMinute === 0) return 0;
    this.adopt(this.perMinute);
    const used = this.perMinute - this.bucket.left(this.perMinute);
    const seconds = Math.min(this.unsent, (used / this.perMinute) * 60);
    this.unsent = 0;
    return seconds;
  }

  /** Puts back what could not be sent. */
  putBack(seconds: number): void {
    this.unsent += seconds;
  }

  /** @param seconds in which what all servers have put in drains, with all that this one has sent */
  receive(seconds: number): void {
    this.found = { seconds: seconds + this.unsent, at: this.now() };
  }

  private note(amount: number): void {
    this.unsent += (amount / this.perMinute) * 60;
  }

  private adopt(perMinute: number): void {
    this.perMinute = perMinute;
    if (this.found === null) return;
    const { seconds, at } = this.found;
    this.bucket.set((Math.max(0, seconds - (this.now() - at) / 1000) * perMinute) / 60);
    this.found = null;
  }
}
