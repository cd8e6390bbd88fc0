/** Training sets whose features are in files, and the files that a training makes of them. */
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMatrix, type Matrix, type RowFileRef } from '../../domain/matrix.js';
import { openRowFile, RowFile } from '../../platform/row-file.js';
import { RowFileWriter } from '../../platform/row-file-writer.js';
import type { SourceSet } from '../types.js';
import { MANY_PAIRS } from './scale.js';

/** A training set that can be read. */
export type OpenSource = SourceSet<Matrix | RowFile>;

/**
 * Opens the files of a training set. Files of up to `MANY_PAIRS` rows, and further texts, are read into memory, so that a training of that size does
 * not depend on where its features come from. The files are closed when the thread ends.
 *
 * @throws CommonspaceError BAD_ROWS, or BAD_INPUT for a number that is not finite in rows that are read
 */
export function openSource({
  furtherTexts,
  ...source
}: SourceSet<Matrix | RowFileRef, Matrix | RowFileRef>): OpenSource {
  const open = (name: string, rows: Matrix | RowFileRef): Matrix | RowFile => {
    if (isMatrix(rows)) return rows;
    const file = openRowFile(rows.file);
    return file.rows > MANY_PAIRS ? file : readAll(file, name);
  };
  return {
    ...source,
    image: open('image', source.image),
    text: open('text', source.text),
    ...(furtherTexts && {
      furtherTexts: { ...furtherTexts, features: inMemory(furtherTexts.features) },
    }),
  };
}

function inMemory(texts: Matrix | RowFileRef): Matrix {
  return isMatrix(texts) ? texts : readAll(openRowFile(texts.file), 'furtherTexts');
}

/** Closes the file. */
function readAll(file: RowFile, name: string): Matrix {
  file.verify(name);
  const matrix = file.read(Int32Array.from({ length: file.rows }, (_, row) => row));
  file.close();
  return matrix;
}

/** Files of rows beside those of the training set. They exist until `remove`, or until the folder is removed. */
export class ScratchRows {
  private readonly files: RowFile[] = [];

  private constructor(
    private readonly folder: string,
    private readonly prefix: string,
  ) {}

  /**
   * Null where the features are in memory: what is made of them is kept in memory too.
   *
   * @param prefix of the names of the files
   */
  static beside({ image }: OpenSource, prefix: string): ScratchRows | null {
    return image instanceof RowFile ? new ScratchRows(dirname(image.file), prefix) : null;
  }

  /** Writes the blocks to a file and opens it. @throws CommonspaceError DISK_FULL */
  write(name: string, columns: number, blocks: Iterable<Matrix>): RowFile {
    const writer = new RowFileWriter(join(this.folder, `${this.prefix}.${name}.rows`), columns);
    for (const block of blocks) writer.appendSync(block);
    const opened = openRowFile(writer.finish().file);
    this.files.push(opened);
    return opened;
  }

  remove(): void {
    for (const opened of this.files.splice(0)) {
      opened.close();
      rmSync(opened.file, { force: true });
    }
  }
}
