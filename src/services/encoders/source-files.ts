/** The features of training pairs in files of rows, so that the serving process holds none of them. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { Matrix, RowFileRef } from '../../domain/matrix.js';
import type { PairClass, PairList } from '../../evaluation/pair-table.js';
import { RowFileWriter } from '../../platform/row-file-writer.js';
import { withFeatures } from '../serving/read-pair-table.js';
import type { ExtractorIds } from './training-pairs.js';

/** Pairs whose features are read together: about 2 MB of 2,032 and 1,024 numbers. */
const PAIRS_AT_ONCE = 192;

/** Row i of both files belongs to pair i. */
export interface StoredPairs extends PairList {
  readonly image: RowFileRef;
  readonly text: RowFileRef;
}

/**
 * Copies the features of pairs from the database to files of a folder, a chunk at a time. A pair with an item that was deleted
 * meanwhile is left out.
 *
 * @throws CommonspaceError DISK_FULL, CANCELLED; then the folder has no complete file
 */
export async function storeFeatures(
  catalog: Catalog,
  list: PairList,
  extractors: ExtractorIds,
  folder: string,
  signal?: AbortSignal,
): Promise<StoredPairs> {
  await mkdir(folder, { recursive: true });
  const [image, text] = [new LazyFile(join(folder, 'image.rows')), new LazyFile(join(folder, 'text.rows'))];
  const pairs: PairList['pairs'][number][] = [];
  const classOf: (PairClass | null)[] = [];
  try {
    for (let start = 0; start < list.pairs.length; start += PAIRS_AT_ONCE) {
      throwIfCancelled(signal);
      const end = start + PAIRS_AT_ONCE;
      const chunk = { pairs: list.pairs.slice(start, end), classOf: list.classOf.slice(start, end) };
      const table = await withFeatures(catalog, chunk, extractors);
      await image.append(table.image);
      await text.append(table.text);
      pairs.push(...table.pairs);
      classOf.push(...table.classOf);
    }
    return { pairs, classOf, image: image.finish(), text: text.finish() };
  } catch (error) {
    image.discard();
    text.discard();
    throw error;
  }
}

/** A file whose number of columns is known with its first rows. */
class LazyFile {
  private writer: RowFileWriter | null = null;

  constructor(private readonly file: string) {}

  async append(rows: Matrix): Promise<void> {
    if (rows.rows === 0) return;
    this.writer ??= new RowFileWriter(this.file, rows.columns);
    await this.writer.append(rows);
  }

  finish(): RowFileRef {
    return (this.writer ?? new RowFileWriter(this.file, 0)).finish();
  }

  discard(): void {
    this.writer?.discard();
  }
}
