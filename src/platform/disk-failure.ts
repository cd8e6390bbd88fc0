import { CommonspaceError } from '../domain/errors.js';

/** The error of writing a file: DISK_FULL where there is no room for it, else as it is. */
export function diskFailure(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new CommonspaceError('DISK_FULL', `There is no room on the disk for ${file}.`, [], { cause: error });
}
