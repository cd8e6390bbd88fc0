import { CommonspaceError } from './errors.js';
import { LIMITS } from './limits.js';
import { observe } from './observations.js';

/** What the caller may fetch in a minute, over all its requests. */
export interface FetchAllowance {
  /** @throws CommonspaceError RATE_LIMITED if nothing is left */
  takeBytes(bytes: number): void;
  addBytes(bytes: number): void;
}

/** The bytes that one request may fetch from addresses, in all. It counts what arrives, also of fetches that fail. */
export class FetchBudget {
  private left: number;

  constructor(
    private readonly bytes: number = LIMITS.fetchedBytes,
    private readonly allowance: FetchAllowance | null = null,
  ) {
    this.left = bytes;
  }

  /**
   * Before a fetch, whose size is not known yet.
   *
   * @throws CommonspaceError RATE_LIMITED
   */
  begin(): void {
    this.allowance?.takeBytes(1);
  }

  /** @throws CommonspaceError FETCH_BUDGET_EXCEEDED */
  spend(bytes: number): void {
    this.left -= bytes;
    this.allowance?.addBytes(bytes);
    if (this.left >= 0) return;
    observe({ kind: 'refusal', reason: 'fetched_bytes' });
    throw new CommonspaceError(
      'FETCH_BUDGET_EXCEEDED',
      `The files at the addresses of one request may have ${Math.floor(this.bytes / 2 ** 20)} MB in all.`,
    );
  }
}

/** What a request gives to the work on its behalf. */
export interface RequestScope {
  /** Aborts when the caller is gone, or at the time limit. */
  readonly signal?: AbortSignal | undefined;
  /** Absent for callers within the process. */
  readonly fetches?: FetchBudget | undefined;
}
