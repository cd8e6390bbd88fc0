import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Catalog } from '../../catalog/catalog.js';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import { outsideRequest } from '../../platform/request-work.js';
import { type TarMember, tarOf } from '../../platform/tar/tar-writer.js';
import { pictureIn, pictureMember } from '../archive/archive-format.js';
import { pictureBytes } from '../archive/picture-bytes.js';
import { BACKUP_HEADER, DATABASE, encodeBackupHeader } from './backup-format.js';

/** Backs up the embedded database, whose files only this process can read safely, and the pictures. */
export class Backup {
  private running = false;

  constructor(
    private readonly catalog: Pick<Catalog, 'files' | 'media'>,
    private readonly media: MediaStore,
  ) {}

  /**
   * The bytes of the backup, which end with an error if it fails. Statements wait while the files of the database are copied.
   *
   * @throws CommonspaceError NOT_EMBEDDED; BUSY if this process writes another backup
   */
  stream({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Readable {
    if (this.catalog.files === null) {
      throw new CommonspaceError(
        'NOT_EMBEDDED',
        'The database is a Postgres server. Back it up with pg_dump, and copy the pictures of the data folder.',
      );
    }
    if (this.running)
      throw new CommonspaceError('BUSY', 'A backup is being written already. Try again later.');
    this.running = true;
    const { files } = this.catalog;
    const members = outsideRequest(() => this.members(files, signal));
    return tarOf(members, (name) => pictureIn(name) === null).once('close', () => {
      this.running = false;
    });
  }

  private async *members(
    files: NonNullable<Catalog['files']>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<TarMember> {
    const release = await this.catalog.media.keepAll();
    try {
      const copy = await files.copy();
      try {
        yield { name: BACKUP_HEADER, content: encodeBackupHeader() };
        for (const entry of copy.entries) {
          throwIfCancelled(signal);
          const name = `${DATABASE}${entry.path}`;
          if (entry.kind === 'folder') yield { name: `${name}/`, content: 'folder' };
          else {
            const stream = createReadStream(join(copy.folder, ...entry.path.split('/')));
            yield { name, content: { bytes: entry.bytes, stream } };
          }
        }
      } finally {
        await copy.remove();
      }
      for await (const { sha256 } of this.media.files()) {
        throwIfCancelled(signal);
        // A damaged file is left out: the backup would be refused.
        const content = await pictureBytes(this.media, sha256);
        if (content !== null) yield { name: pictureMember(sha256), content };
      }
    } finally {
      await release();
    }
  }
}
