import { realpath } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { CommonspaceError } from '../../../domain/errors.js';

/** The folders of the server that callers may ingest from. */
export class SourceFolders {
  /** By name, which is the last part of their path. */
  private readonly folders: ReadonlyMap<string, string>;

  constructor(paths: readonly string[]) {
    this.folders = new Map(paths.map((path) => [basename(resolve(path)), resolve(path)]));
  }

  /**
   * The path of a folder or a file that a caller names, such as `photos/2024`: the name of a configured folder, and the way below it.
   *
   * @throws CommonspaceError BAD_INPUT for a path that is not below a configured folder, FILE_MISSING
   */
  async resolve(path: string): Promise<string> {
    const [name = '', ...rest] = path.split('/');
    const root = this.folders.get(name);
    if (root === undefined) {
      const known = [...this.folders.keys()].join(', ');
      throw new CommonspaceError(
        'BAD_INPUT',
        known === ''
          ? 'The server is configured with no folders to ingest from (COMMONSPACE_INGEST_FOLDERS).'
          : `The path must begin with the name of a configured folder: ${known}.`,
      );
    }
    try {
      const found = await realpath(join(root, ...rest));
      const real = await realpath(root);
      if (found === real || found.startsWith(real + sep)) return found;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CommonspaceError('FILE_MISSING', `${path} does not exist or cannot be read (${code}).`, [], {
        cause: error,
      });
    }
    throw new CommonspaceError('BAD_INPUT', `${path} lies outside of the configured folder.`);
  }
}
