import type { StoredObject } from '../../src/media/types.js';

/** The path of an object of a store in a folder. */
export function pathOf({ path }: Pick<StoredObject, 'path'>): string {
  if (path === null) throw new Error('the object is not a local file');
  return path;
}
