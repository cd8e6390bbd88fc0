import { checkPageSize } from '../../../domain/check.js';
import { CommonspaceError, type Failure, type FieldPath, throwIfCancelled } from '../../../domain/errors.js';
import type { RequestScope } from '../../../domain/fetch-budget.js';
import type { JobFailure } from '../../../domain/job.js';
import { LIMITS } from '../../../domain/limits.js';
import { renderWebp } from '../../../media/decode.js';
import type { ImageSource, ImageSources } from '../../serving/image-source.js';
import type { IngestInput } from '../ingest-input.js';
import { BATCH_ROWS, noClassColumn } from './bulk-ingest.js';
import { type BulkInput, checkBulkInput, prefixOf } from './bulk-jobs.js';
import type { BulkSources } from './bulk-sources.js';
import { DEFAULT_CLASS_COLUMN, storedFailure } from './ingest-job.js';
import { openSource } from './open-source.js';
import { type RowItems, RowReader } from './row-items.js';
import type { SourceRow } from './row-source.js';

/** What a bulk ingest would do, as far as its source was read. */
export interface BulkPreview {
  readonly rows: number;
  /** Whether all rows were read. */
  readonly complete: boolean;
  readonly pictures: number;
  readonly texts: number;
  readonly skipped: number;
  readonly failed: number;
  readonly first: readonly PreviewedRow[];
  readonly failures: readonly JobFailure[];
}

interface PreviewedRow {
  readonly ordinal: number;
  readonly reference: string;
  readonly skipped: boolean;
  readonly error: Failure | null;
  readonly pictures: readonly PreviewedPicture[];
  readonly texts: readonly string[];
  readonly title: string | null;
  readonly classes: readonly string[];
  readonly pairKey: string | null;
  readonly externalId: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

interface PreviewedPicture {
  readonly name: string | null;
  readonly url: string | null;
  readonly thumbnail: string | null;
}

/** A source is read for this time. */
const READING_MS = 1_000;
const THUMBNAIL_PIXELS = 160;
const NO_ITEMS: RowItems = { images: [], texts: [] };

/** Reads sources as bulk ingests do, and stores nothing. */
export class BulkPreviews {
  constructor(
    private readonly sources: Pick<BulkSources, 'choose'>,
    private readonly images: Pick<ImageSources, 'use'>,
  ) {}

  /**
   * @param field path of the input
   * @throws CommonspaceError BAD_INPUT, UPLOAD_NOT_FOUND, FILE_MISSING, BAD_SOURCE, BAD_FOLDER, NO_CLASS_COLUMN, CANCELLED
   */
  async preview(
    input: BulkInput,
    first: number,
    field: FieldPath,
    scope: RequestScope,
  ): Promise<BulkPreview> {
    checkPageSize(first, LIMITS.bulkPreviewRows);
    checkBulkInput(input, field);
    const { source, name, path, at } = await this.sources.choose(input, field);
    if (path === null)
      throw new CommonspaceError('BAD_INPUT', 'A source at an address is read by its job only.', at);
    const confined = source.kind === 'path';
    const rows = await openSource(await path(scope.signal), confined);
    const column = input.classColumn ?? DEFAULT_CLASS_COLUMN;
    const reader = new RowReader(rows, { prefix: prefixOf(input, name), classColumn: column, confined });
    let until = performance.now() + READING_MS;
    const counts = { rows: 0, pictures: 0, texts: 0, skipped: 0, failed: 0 };
    const shown: PreviewedRow[] = [];
    const failures: JobFailure[] = [];
    const names = new Set<string>();
    let complete = true;
    for await (const row of rows.rows(scope.signal)) {
      throwIfCancelled(scope.signal);
      if (counts.rows >= first && performance.now() > until) {
        complete = false;
        break;
      }
      const columns = row.content.kind === 'row' ? row.content.columns : null;
      if (counts.rows < BATCH_ROWS) for (const key of Object.keys(columns ?? {})) names.add(key);
      const read = await itemsOf(row, reader);
      let { error } = read;
      if (shown.length < first) {
        const described = await this.describe(row, read.items, error, scope);
        // Decoding their pictures does not count.
        until = performance.now() + READING_MS;
        error = described.error;
        shown.push(described);
      }
      counts.rows += 1;
      if (row.content.kind === 'skipped') counts.skipped += 1;
      if (error === null) {
        counts.pictures += read.items.images.length;
        counts.texts += read.items.texts.length;
        continue;
      }
      counts.failed += 1;
      const { ordinal, reference } = row;
      if (failures.length < first) failures.push(storedFailure({ ...error, ordinal, reference, columns }));
    }
    if (input.classColumn != null && names.size > 0 && !names.has(input.classColumn))
      throw noClassColumn(column, Math.min(counts.rows, BATCH_ROWS), names);
    return { ...counts, complete, first: shown, failures };
  }

  private async describe(
    { ordinal, reference, content }: SourceRow,
    { images, texts }: RowItems,
    failure: Failure | null,
    scope: RequestScope,
  ): Promise<PreviewedRow> {
    let error = failure;
    const pictures: PreviewedPicture[] = [];
    for (const image of images) {
      try {
        pictures.push(await this.picture(image, scope));
      } catch (thrown) {
        if (!(thrown instanceof CommonspaceError) || thrown.code === 'CANCELLED') throw thrown;
        error ??= thrown.toFailure();
        pictures.push({ name: image.title ?? null, url: null, thumbnail: null });
      }
    }
    const item = images[0] ?? texts[0];
    return {
      ordinal,
      reference,
      skipped: content.kind === 'skipped',
      error,
      pictures,
      texts: texts.flatMap((each) => ('text' in each.content ? [each.content.text] : [])),
      title: item?.title ?? null,
      classes: item?.classes ?? [],
      pairKey: item?.pairKey ?? null,
      externalId: item?.externalId ?? null,
      metadata: item?.metadata ?? null,
    };
  }

  private async picture({ content, title }: IngestInput, scope: RequestScope): Promise<PreviewedPicture> {
    const name = title ?? null;
    if ('imageUrl' in content) return { name, url: content.imageUrl, thumbnail: null };
    const bytes = await this.images.use(content as ImageSource, [], scope, (whole) =>
      renderWebp(whole, THUMBNAIL_PIXELS, THUMBNAIL_PIXELS),
    );
    return { name, url: null, thumbnail: `data:image/webp;base64,${Buffer.from(bytes).toString('base64')}` };
  }
}

/** The items of a row, or why there are none. */
async function itemsOf(
  { content, ordinal }: SourceRow,
  reader: RowReader,
): Promise<{ readonly items: RowItems; readonly error: Failure | null }> {
  if (content.kind === 'failed') return { items: NO_ITEMS, error: content.failure };
  if (content.kind === 'skipped') return { items: NO_ITEMS, error: null };
  try {
    return { items: await reader.read(content, ordinal), error: null };
  } catch (error) {
    if (!(error instanceof CommonspaceError)) throw error;
    return { items: NO_ITEMS, error: error.toFailure() };
  }
}
