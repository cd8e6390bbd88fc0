import type { ItemRow } from '../../catalog/types.js';
import {
  CommonspaceError,
  type Failure,
  type FieldPath,
  type ReportUnexpected,
  throwIfCancelled,
} from '../../domain/errors.js';
import type { RequestScope } from '../../domain/fetch-budget.js';

export type IngestOutcome =
  | { readonly status: 'CREATED' | 'UPDATED' | 'UNCHANGED'; readonly item: ItemRow }
  | { readonly status: 'FAILED'; readonly error: Failure };

/** The outcome of the input at `index` of the call. */
export interface InputOutcome {
  readonly index: number;
  readonly outcome: IngestOutcome;
}

/** The result of a step: the items that go on to the next step, in order, and the outcomes of the other inputs. */
export interface StepResult<Item> {
  readonly items: readonly Item[];
  readonly outcomes: readonly InputOutcome[];
}

/** One call of ingest, as its steps need it. */
export interface IngestCall extends RequestScope {
  /** Path of the list of inputs, for the fields that failures name. */
  readonly field: FieldPath;
  readonly reportUnexpected: ReportUnexpected;
}

/** The field of one input. */
export function fieldOf(call: IngestCall, index: number): FieldPath {
  return [...call.field, String(index)];
}

/**
 * The outcomes of inputs whose work threw an error. An unexpected error is logged once, whole; the caller sees INTERNAL.
 *
 * @throws CommonspaceError CANCELLED if the call was cancelled: the error is a consequence of that.
 */
export function failed(call: IngestCall, indices: readonly number[], error: unknown): InputOutcome[] {
  throwIfCancelled(call.signal);
  const expected = error instanceof CommonspaceError;
  if (!expected) call.reportUnexpected(error);
  const { code, message, field }: Failure = expected ? error.toFailure() : UNEXPECTED;
  return indices.map((index) => ({
    index,
    outcome: {
      status: 'FAILED',
      error: { code, message, field: field.length > 0 ? field : fieldOf(call, index) },
    },
  }));
}

const UNEXPECTED: Failure = {
  code: 'INTERNAL',
  message: 'An unexpected error occurred. Nothing of this input was stored.',
  field: [],
};

/** The outcomes of all inputs, in the order of the inputs. */
export function inOrder(count: number, outcomes: readonly InputOutcome[]): IngestOutcome[] {
  const byIndex = new Map(outcomes.map(({ index, outcome }) => [index, outcome]));
  return Array.from({ length: count }, (_, index) => {
    const outcome = byIndex.get(index);
    if (outcome === undefined) throw new Error(`input ${index} has no outcome`);
    return outcome;
  });
}
