/** The features of pairs in files of rows, so that the serving process holds none of them. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { Matrix, RowFileRef } from '../../domain/matrix.js';
import { FITTED_ROWS, sampledRows } from '../../encoder/training/scale.js';
import type { TrainingPairs } from '../../evaluation/evaluate-held-out.js';
import type { PairClass, PairList, PairRow, PairTable } from '../../evaluation/pair-table.js';
import { LineFileWriter } from '../../platform/line-file.js';
import { RowFileWriter } from '../../platform/row-file-writer.js';
import { withFeatures } from '../serving/read-pair-table.js';
import type { StoredPairs } from '../serving/to-source-set.js';
import { type PairFile, pairLine, readPairFile } from './pair-file.js';
import type { StoredSplit } from './split-pairs.js';
import type { ExtractorIds, SplitPlace } from './training-pairs.js';

/** Pairs whose features are read together: about 2 MB of 2,032 and 1,024 numbers. */
const PAIRS_AT_ONCE = 192;

/** The training pairs that are left of a split, with their features. Row i of all files belongs to pair i. */
export interface StoredTraining extends StoredPairs {
  readonly file: PairFile;
}

/**
 * Copies the features of training pairs from the database to files of a folder, a chunk at a time. A pair with an item that was
 * deleted meanwhile is left out. The split's own file is removed.
 *
 * @throws CommonspaceError DISK_FULL, BAD_ROWS, CANCELLED; then the folder has no complete file of rows
 */
export async function storeTraining(
  catalog: Catalog,
  { source, groups }: Pick<StoredSplit, 'source' | 'groups'>,
  extractors: ExtractorIds,
  { folder, signal }: SplitPlace,
): Promise<StoredTraining> {
  const files = await FeatureFiles.create(catalog, extractors, folder, 'training');
  const index = new Map(source.classes.map(({ id }, i) => [id, i]));
  const kept = { labels: new Int32Array(source.lines), groups: new Int32Array(source.lines), count: 0 };
  const writer = await LineFileWriter.create(join(folder, 'stored.pairs'));
  try {
    let row = 0;
    for await (const { pairs, classOf } of readPairFile(source)) {
      throwIfCancelled(signal);
      const stays = await files.append({ pairs, classOf });
      for (const [i, stay] of stays.entries()) {
        if (!stay) continue;
        kept.labels[kept.count] = index.get(classOf[i]?.id ?? '') ?? -1;
        kept.groups[kept.count] = groups[row + i] as number;
        kept.count += 1;
      }
      row += pairs.length;
      await writer.append(pairs.filter((_, i) => stays[i]).map((pair) => pairLine(pair)));
    }
    await rm(source.file);
    const { classes } = source;
    return {
      file: { ...(await writer.finish()), classes },
      classes,
      labels: kept.labels.subarray(0, kept.count),
      groups: kept.groups.subarray(0, kept.count),
      ...files.finish(),
    };
  } catch (error) {
    files.discard();
    await writer.discard();
    throw error;
  }
}

/** `storeTraining` for pairs whose list is in memory. @param name of the files */
export async function storeTable(
  catalog: Catalog,
  list: PairList,
  extractors: ExtractorIds,
  { folder, signal }: SplitPlace,
  name: string,
): Promise<PairTable<RowFileRef>> {
  const files = await FeatureFiles.create(catalog, extractors, folder, name);
  const pairs: PairRow[] = [];
  const classOf: (PairClass | null)[] = [];
  try {
    for (let start = 0; start < list.pairs.length; start += PAIRS_AT_ONCE) {
      throwIfCancelled(signal);
      const end = start + PAIRS_AT_ONCE;
      const chunk = { pairs: list.pairs.slice(start, end), classOf: list.classOf.slice(start, end) };
      const stays = await files.append(chunk);
      pairs.push(...chunk.pairs.filter((_, i) => stays[i]));
      classOf.push(...chunk.classOf.filter((_, i) => stays[i]));
    }
    return { pairs, classOf, ...files.finish() };
  } catch (error) {
    files.discard();
    throw error;
  }
}

/** What a measurement needs to know of the training pairs. */
export async function describeTraining(
  { file, labels }: StoredTraining,
  held: readonly PairList[],
): Promise<TrainingPairs> {
  const rows = sampledRows(file.lines, FITTED_ROWS);
  const pairs: PairRow[] = [];
  const [images, texts] = [new Set<string>(), new Set<string>()];
  for (const pair of held.flatMap((list) => list.pairs)) {
    images.add(pair.imageHash);
    texts.add(pair.textHash);
  }
  let newContentOnly = true;
  let row = 0;
  for await (const chunk of readPairFile(file)) {
    for (const pair of chunk.pairs) {
      if (row === rows[pairs.length]) pairs.push(pair);
      if (images.has(pair.imageHash) || texts.has(pair.textHash)) newContentOnly = false;
      row += 1;
    }
  }
  const classes = new Set(labels);
  classes.delete(-1);
  return { count: file.lines, classes: classes.size, sample: { pairs, rows }, newContentOnly };
}

/** The files of images and texts of the same pairs. */
class FeatureFiles {
  private readonly image: LazyFile;
  private readonly text: LazyFile;

  private constructor(
    private readonly catalog: Catalog,
    private readonly extractors: ExtractorIds,
    folder: string,
    name: string,
  ) {
    this.image = new LazyFile(join(folder, `${name}.image.rows`));
    this.text = new LazyFile(join(folder, `${name}.text.rows`));
  }

  static async create(catalog: Catalog, extractors: ExtractorIds, folder: string, name: string) {
    await mkdir(folder, { recursive: true });
    return new FeatureFiles(catalog, extractors, folder, name);
  }

  /** @returns for each pair whether it has both features */
  async append(chunk: PairList): Promise<boolean[]> {
    const { pairs, image, text } = await withFeatures(this.catalog, chunk, this.extractors);
    await this.image.append(image);
    await this.text.append(text);
    const stay = new Set(pairs);
    return chunk.pairs.map((pair) => stay.has(pair));
  }

  finish(): { readonly image: RowFileRef; readonly text: RowFileRef } {
    return { image: this.image.finish(), text: this.text.finish() };
  }

  discard(): void {
    this.image.discard();
    this.text.discard();
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
