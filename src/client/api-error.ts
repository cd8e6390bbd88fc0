import { type ErrorCode, RETRY_AFTER_SECONDS } from '../domain/errors.js';

/**
 * A code of the server (docs/errors.md), or of the client: `UNREACHABLE` (no answer), `BAD_ANSWER` (not the API of Commonspace),
 * `CANCELLED` (the caller's signal). Newer servers may have further codes.
 */
export type ApiErrorCode = ErrorCode | 'UNREACHABLE' | 'BAD_ANSWER' | (string & {});

/** What the server says of an error. */
export interface ServerFailure {
  readonly code: ApiErrorCode;
  readonly message: string;
  readonly field: readonly string[];
}

interface ErrorDetails {
  readonly field?: readonly string[];
  /** HTTP status; null without an answer. */
  readonly status?: number | null;
  /** Seconds of the header Retry-After. */
  readonly retryAfter?: number | null;
  readonly requestId?: string | null;
  /** All errors of a GraphQL answer. */
  readonly failures?: readonly ServerFailure[];
  readonly cause?: unknown;
}

/** Why a call failed. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** Path of the argument at fault; empty if there is none. */
  readonly field: readonly string[];
  readonly status: number | null;
  /** Seconds after which the call may be repeated; null where it would fail again, and where the server does not say. */
  readonly retryAfter: number | null;
  /** Id of the request in the log of the server. */
  readonly requestId: string | null;
  /** All errors of a GraphQL answer, this one first. */
  readonly failures: readonly ServerFailure[];

  constructor(
    readonly code: ApiErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.field = details.field ?? [];
    this.status = details.status ?? null;
    this.retryAfter = details.retryAfter ?? RETRY_AFTER_SECONDS[code as ErrorCode] ?? null;
    this.requestId = details.requestId ?? null;
    this.failures = details.failures ?? [{ code, message, field: this.field }];
  }

  /** Whether the same call can succeed later without a change. */
  get retryable(): boolean {
    return this.retryAfter !== null || this.code === 'UNREACHABLE' || this.status === 503;
  }
}

/** The error of an aborted signal. */
export function cancelled(cause: unknown): ApiError {
  return new ApiError('CANCELLED', 'The call was cancelled.', { cause });
}

/** The error of a payload with `errors`, such as those of mutations. */
export function failureOf(errors: readonly ServerFailure[]): ApiError {
  const [
    first = { code: 'BAD_ANSWER', message: 'The answer has neither a result nor an error.', field: [] },
  ] = errors;
  return new ApiError(first.code, first.message, { field: first.field, failures: errors, status: 200 });
}
