import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import { checkArchive, readArchive } from './archive-check.js';
import { ArchiveRows } from './archive-rows.js';
import { PictureWrites } from './picture-writes.js';

export interface ImportOptions {
  /** Adds to a catalogue that has other data. What exists stays as it is. */
  readonly merge?: boolean;
  /** Members that an interrupted import of this archive has stored. Their items and classes that were deleted since stay deleted. */
  readonly known?: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Members of the archive that were stored, of all, and what that was. Called first when the archive is checked, with 0. The import waits for
   * its result.
   */
  readonly onProgress?: (done: number, all: number, stored: ImportReport) => void | Promise<void>;
}

/** What an import has stored. What was there before does not count. */
export interface ImportReport {
  readonly pictures: number;
  readonly classes: number;
  readonly items: number;
  readonly encoders: number;
  readonly vectors: number;
  /** Pictures whose bytes are not in the archive, because the exported catalogue did not have them. */
  readonly missingPictures: number;
}

/**
 * Stores an archive. The file is read twice, and the first time nothing is written. What exists stays as it is, so an import that was interrupted is
 * completed by another one, and one that is repeated changes nothing.
 */
export class ArchiveImport {
  constructor(
    private readonly catalog: Pick<Catalog, 'archive' | 'media' | 'words'>,
    private readonly media: MediaStore,
  ) {}

  /**
   * @throws CommonspaceError BAD_ARCHIVE, ARCHIVE_TOO_NEW, FILE_MISSING, CATALOGUE_NOT_EMPTY, PAIR_TOO_LARGE, CANCELLED, DATA_FOLDER_NOT_WRITABLE
   */
  async run(
    path: string,
    { merge = false, known = 0, signal, onProgress }: ImportOptions = {},
  ): Promise<ImportReport> {
    const { archive, media, words } = this.catalog;
    const { members, missing } = await checkArchive(path, archive, { merge, signal });
    // A picture has no item until its item is stored. It must not be removed meanwhile.
    const release = await media.keepAll();
    try {
      const pictures = new PictureWrites(this.media);
      const rows = new ArchiveRows(archive, pictures);
      const report = () => ({ pictures: pictures.stored, ...rows.added, missingPictures: missing });
      await onProgress?.(0, members, report());
      let done = 0;
      for await (const entry of readArchive(path)) {
        throwIfCancelled(signal);
        await rows.store(entry, done < known);
        done += 1;
        await onProgress?.(done, members, report());
      }
      await pictures.settled();
      await archive.writes.finishEncoders(rows.encoders);
      await words.fill(signal);
      return report();
    } finally {
      await archive.writes.noteChange();
      await release();
    }
  }
}
