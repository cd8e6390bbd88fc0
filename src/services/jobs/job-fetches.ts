import { CommonspaceError } from '../../domain/errors.js';
import { type FetchAllowance, FetchBudget } from '../../domain/fetch-budget.js';

/** The least time that a job waits when the budget is used up: it reads its source again from the start afterwards. */
const LEAST_WAIT_SECONDS = 30;

export const UNLIMITED: FetchAllowance = { takeBytes: () => {}, addBytes: () => {} };

/** What a job fetches from addresses. It counts in what the key that asked for it may fetch in a minute. */
export class JobFetches {
  /** Of single inputs: it counts, and does not refuse, because the job waits between its steps. */
  readonly inputs: FetchBudget;
  private counted = false;

  constructor(private readonly allowance: FetchAllowance) {
    const counting = { takeBytes: () => {}, addBytes: (bytes: number) => this.spend(bytes) };
    this.inputs = new FetchBudget(Number.POSITIVE_INFINITY, counting);
  }

  /** Before a file whose size is not known. @throws CommonspaceError RATE_LIMITED, after which the job goes on later */
  begin(): void {
    try {
      this.allowance.takeBytes(1);
    } catch (error) {
      if (!(error instanceof CommonspaceError)) throw error;
      const message = 'It waits, because its key has fetched the bytes that it may fetch in a minute.';
      const retryAfter = Math.max(LEAST_WAIT_SECONDS, error.retryAfter ?? 0);
      throw new CommonspaceError(error.code, message, [], { cause: error, retryAfter });
    }
  }

  spend(bytes: number): void {
    this.counted = true;
    this.allowance.addBytes(bytes);
  }

  /** Between two steps. @throws CommonspaceError as `begin`, if something was fetched since the last call */
  continue(): void {
    if (this.counted) this.begin();
    this.counted = false;
  }
}
