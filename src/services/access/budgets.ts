import { LRUCache } from 'lru-cache';
import type { Caller, PerMinute } from '../../domain/access.js';
import { CommonspaceError } from '../../domain/errors.js';
import { LeakyBucket } from '../../domain/leaky-bucket.js';
import { observe } from '../../domain/observations.js';

/** Callers whose use is remembered. */
const MOST_CALLERS = 10_000;

/** No limit of its own. */
const NO_BUDGET: PerMinute = { cost: 0, bytes: 0 };

/** What a caller has left. */
export interface BudgetState {
  /** Units of cost; 0 if more was used than a minute allows. */
  readonly left: number;
  /** Units that come back in a second. */
  readonly refill: number;
}

/** What one caller may use in a minute. */
export interface CallerBudget {
  /** @throws CommonspaceError RATE_LIMITED */
  takeCost(units: number): void;
  /** What is left; null without a limit of cost. */
  cost(): BudgetState | null;
  /**
   * Takes bytes that are known before they are received.
   *
   * @throws CommonspaceError RATE_LIMITED
   */
  takeBytes(bytes: number): void;
  /** Adds bytes that were received. */
  addBytes(bytes: number): void;
}

interface Buckets {
  readonly cost: LeakyBucket;
  readonly bytes: LeakyBucket;
}

/**
 * What callers use in a minute. Each key of the database counts by itself, and so do the keys of the environment together and callers
 * without a key together. The counts are in memory, so each server counts for itself.
 */
export class Budgets {
  private readonly buckets = new LRUCache<string, Buckets>({ max: MOST_CALLERS });

  /** @param defaults of callers whose key has no limits of its own; 0: without a limit */
  constructor(
    private readonly defaults: PerMinute = NO_BUDGET,
    private readonly now: () => number = () => performance.now(),
  ) {}

  of(caller: Caller): CallerBudget {
    const perMinute = {
      cost: caller.perMinute?.cost ?? this.defaults.cost,
      bytes: caller.perMinute?.bytes ?? this.defaults.bytes,
    };
    const { cost, bytes } = this.bucketsOf(caller.keyId ?? caller.name);
    return {
      takeCost: (units) => take(cost, units, perMinute.cost, 'cost'),
      cost: () => stateOf(cost, perMinute.cost),
      takeBytes: (size) => take(bytes, size, perMinute.bytes, 'bytes'),
      addBytes: (size) => {
        if (perMinute.bytes > 0) bytes.add(size);
      },
    };
  }

  private bucketsOf(name: string): Buckets {
    const known = this.buckets.get(name);
    if (known !== undefined) return known;
    const made = { cost: new LeakyBucket(this.now), bytes: new LeakyBucket(this.now) };
    this.buckets.set(name, made);
    return made;
  }
}

const WHAT = { cost: 'units of cost', bytes: 'bytes' } as const;

function take(bucket: LeakyBucket, amount: number, perMinute: number, kind: keyof typeof WHAT): void {
  if (perMinute <= 0) return;
  const seconds = bucket.take(amount, perMinute);
  if (seconds === 0) return;
  observe({ kind: 'refusal', reason: `${kind}_per_minute` });
  throw new CommonspaceError(
    'RATE_LIMITED',
    `The caller has used the ${perMinute} ${WHAT[kind]} of a minute. Try again in ${seconds} s.`,
    ['authorization'],
    { retryAfter: seconds },
  );
}

function stateOf(bucket: LeakyBucket, perMinute: number): BudgetState | null {
  if (perMinute <= 0) return null;
  const left = Math.max(0, Math.floor(bucket.left(perMinute)));
  return { left, refill: Math.round((perMinute / 60) * 100) / 100 };
}
