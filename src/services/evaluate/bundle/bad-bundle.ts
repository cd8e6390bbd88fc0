import { CommonspaceError } from '../../../domain/errors.js';

/**
 * The error for a folder of features that cannot be used. It names the file and, if one row is at fault, the row (from 0, as in
 * NumPy).
 *
 * @example badBundle('img_train.npy', 'column 3 is NaN', 17).message // 'img_train.npy, row 17: column 3 is NaN.'
 */
export function badBundle(file: string, what: string, row?: number): CommonspaceError {
  const where = row === undefined ? file : `${file}, row ${row}`;
  const field = ['bundle', file, ...(row === undefined ? [] : [String(row)])];
  return new CommonspaceError('BAD_BUNDLE', `${where}: ${what}.`, field);
}
