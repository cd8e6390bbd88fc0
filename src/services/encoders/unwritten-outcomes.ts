import { ClaimLost } from '../../catalog/repositories/encoder-runs.js';
import { CommonspaceError, RETRY_AFTER_SECONDS, type ReportUnexpected } from '../../domain/errors.js';

/** How a piece of claimed work ended. */
export interface WorkOutcome {
  readonly claim: string;
  /** Stores it under the claim. */
  readonly write: () => Promise<void>;
  /** Gives the claim up, so that the work counts as interrupted. */
  readonly giveUp: () => void;
}

/**
 * Stores how work ended, also if the database does not answer at that moment: then the outcome is kept and stored later.
 * Otherwise the work would stay in its state until this process ends, because its claim is one of a running process.
 */
export class UnwrittenOutcomes {
  private readonly kept = new Map<string, WorkOutcome>();

  constructor(private readonly reportUnexpected: ReportUnexpected) {}

  /** @returns false if another process has taken the claim; the outcome is dropped then. */
  async store(outcome: WorkOutcome): Promise<boolean> {
    this.kept.delete(outcome.claim);
    try {
      await outcome.write();
    } catch (error) {
      if (error instanceof ClaimLost) return false;
      this.reportUnexpected(error);
      if (passes(error)) this.kept.set(outcome.claim, outcome);
      else outcome.giveUp();
    }
    return true;
  }

  /** Tries again to store what is kept. */
  async storeKept(): Promise<void> {
    for (const outcome of [...this.kept.values()]) await this.store(outcome);
  }
}

function passes(error: unknown): boolean {
  return error instanceof CommonspaceError && RETRY_AFTER_SECONDS[error.code] !== undefined;
}
