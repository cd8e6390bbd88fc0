/** What mutations of the API give back: the value, or errors as values. */
import type * as documents from '../__generated__/client-operations.js';
import { failureOf, type ServerFailure } from './api-error.js';

export type ApiEncoder = documents.EncoderFieldsFragment;
export type ApiJob = documents.JobFieldsFragment;

interface EncoderAnswer {
  readonly encoder: ApiEncoder | null;
  readonly errors: readonly ServerFailure[];
}

/** @throws ApiError */
export function encoderOf({ encoder, errors }: EncoderAnswer): ApiEncoder {
  return required(encoder, errors);
}

/** @throws ApiError */
export function required<T>(value: T | null, errors: readonly ServerFailure[]): T {
  if (value === null || errors.length > 0) throw failureOf(errors);
  return value;
}
