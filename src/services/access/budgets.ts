import { LRUCache } from 'lru-cache';
import type { CallerUse } from '../../catalog/repositories/budget-uses.js';
import type { Caller, PerMinute } from '../../domain/access.js';
import { CommonspaceError } from '../../domain/errors.js';
import { observe } from '../../domain/observations.js';
import { SharedBucket } from '../../domain/shared-bucket.js';

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
  readonly cost: SharedBucket;
  readonly bytes: SharedBucket;
}

/**
 * What callers use in a minute. Each key of the database counts by itself, and so do the keys of the environment together and callers
 * without a key together. The counts are in memory; BudgetExchange adds what callers use of other servers.
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
        if (perMinute.bytes > 0) bytes.add(size, perMinute.bytes);
      },
    };
  }

  /** Takes out what other servers do not know of. */
  takeUnsent(): CallerUse[] {
    const found: CallerUse[] = [];
    for (const [caller, buckets] of this.buckets.entries()) {
      const use = { caller, cost: buckets.cost.takeUnsent(), bytes: buckets.bytes.takeUnsent() };
      if (use.cost > 0 || use.bytes > 0) found.push(use);
    }
    return found;
  }

  /** Puts back what could not be sent. */
  putBack(unsent: readonly CallerUse[]): void {
    for (const { caller, cost, bytes } of unsent) {
      const buckets = this.bucketsOf(caller);
      buckets.cost.putBack(cost);
      buckets.bytes.putBack(bytes);
    }
  }

  /** @param all what callers have used of all servers, with all that this one has sent */
  receive(all: readonly CallerUse[]): void {
    for (const { caller, cost, bytes } of all) {
      const buckets = this.bucketsOf(caller);
      buckets.cost.receive(cost);
      buckets.bytes.receive(bytes);
    }
  }

  private bucketsOf(name: string): Buckets {
    const known = this.buckets.get(name);
    if (known !== undefined) return known;
    const made = { cost: new SharedBucket(this.now), bytes: new SharedBucket(this.now) };
    this.buckets.set(name, made);
    return made;
  }
}

const WHAT = { cost: 'units of cost', bytes: 'bytes' } as const;

function take(bucket: SharedBucket, amount: number, perMinute: number, kind: keyof typeof WHAT): void {
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

function stateOf(bucket: SharedBucket, perMinute: number): BudgetState | null {
  if (perMinute <= 0) return null;
  const left = Math.max(0, Math.floor(bucket.left(perMinute)));
  return { left, refill: Math.round((perMinute / 60) * 100) / 100 };
}
