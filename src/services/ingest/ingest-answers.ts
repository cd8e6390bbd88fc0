import type { ItemRow } from '../../catalog/types.js';
import {
  CommonspaceError,
  type Failure,
  type ReportUnexpected,
  throwIfCancelled,
} from '../../domain/errors.js';

export type IngestOutcome =
  | { readonly status: 'CREATED' | 'UPDATED' | 'UNCHANGED'; readonly item: ItemRow }
  | { readonly status: 'FAILED'; readonly error: Failure };

/** The answers of one call: one for every input, in order, whatever happens to the others. */
export class Answers {
  private readonly outcomes: (IngestOutcome | undefined)[];

  /** @param field path of the list of inputs, for the fields that failures name */
  constructor(
    count: number,
    private readonly field: readonly string[],
    private readonly reportUnexpected: ReportUnexpected,
    readonly signal: AbortSignal | undefined,
  ) {
    this.outcomes = new Array<IngestOutcome | undefined>(count);
  }

  set(index: number, outcome: IngestOutcome): void {
    this.outcomes[index] = outcome;
  }

  has(index: number): boolean {
    return this.outcomes[index] !== undefined;
  }

  /** All answers; every input has one by now. */
  all(): IngestOutcome[] {
    return this.outcomes.map((outcome, index) => {
      if (outcome === undefined) throw new Error(`input ${index} was left without an answer`);
      return outcome;
    });
  }

  /** Runs the work for one input; what it throws becomes that input's failure, and null is returned. */
  async attempt<T>(index: number, work: (field: readonly string[]) => T | Promise<T>): Promise<T | null> {
    const field = [...this.field, String(index)];
    try {
      return await work(field);
    } catch (error) {
      this.throwIfCancelled();
      this.set(index, { status: 'FAILED', error: this.failure(error, field) });
      return null;
    }
  }

  /** Runs work for several inputs; what it throws becomes the failure of each, for none of it was stored. */
  async attemptAll<T>(
    items: readonly { readonly index: number }[],
    work: () => Promise<T>,
  ): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.throwIfCancelled();
      for (const { index } of items) {
        if (this.has(index)) continue;
        this.set(index, { status: 'FAILED', error: this.failure(error, [...this.field, String(index)]) });
      }
      return null;
    }
  }

  throwIfCancelled(): void {
    throwIfCancelled(this.signal);
  }

  private failure(error: unknown, field: readonly string[]): Failure {
    if (error instanceof CommonspaceError) {
      return { ...error.toFailure(), field: error.field.length > 0 ? error.field : field };
    }
    this.reportUnexpected(error);
    return {
      code: 'INTERNAL',
      message: 'Something unexpected went wrong; nothing of this input was stored.',
      field,
    };
  }
}
