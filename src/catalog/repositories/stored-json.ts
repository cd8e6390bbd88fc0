import type { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';

/**
 * Parses a JSON column of an encoder's row, or of its evaluation.
 *
 * @param column the column's name, for the message
 * @throws CommonspaceError BAD_ENCODER_RECORD, naming the encoder and the part that is malformed.
 */
export function parseStored<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  encoderId: string,
  column: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = [column, ...(issue?.path ?? [])].join('.');
  throw new CommonspaceError(
    'BAD_ENCODER_RECORD',
    `The database's record of encoder ${encoderId} is malformed at ${path}: ${issue?.message ?? 'invalid'}.`,
    [],
    { cause: parsed.error },
  );
}
