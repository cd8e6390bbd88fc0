import { type FolderRow, folderName, type RowFailure, readFolder } from './folder-rows.js';
import type { IngestInput } from './ingest-input.js';
import type { IngestOutcome } from './ingest-outcome.js';
import type { IngestService } from './ingest-service.js';

export interface FolderIngestOptions {
  readonly classColumn: string;
  readonly classColumnRequired: boolean;
  /** Prefix of external ids; the folder's name by default. */
  readonly prefix?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** Counts are of items. A row makes an image and, if it has a text, a text; a malformed row counts as two failed items. */
export interface FolderIngestReport {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly errors: readonly RowFailure[];
  readonly seconds: number;
}

/** Rows that are ingested together. */
const ROWS_AT_ONCE = 256;

/** Ingests a folder of the image-folder convention: each row becomes an image item and a text item that are one pair. */
export class FolderIngest {
  constructor(private readonly ingestService: IngestService) {}

  /** @throws CommonspaceError BAD_FOLDER or NO_CLASS_COLUMN, before anything is stored. */
  async ingest(folder: string, options: FolderIngestOptions): Promise<FolderIngestReport> {
    const started = performance.now();
    const results = await readFolder(folder, options);
    const keys = rowKeys(options.prefix ?? folderName(folder));
    const rows = results.flatMap((result) =>
      'row' in result ? [{ ...result.row, ...keys(result.row) }] : [],
    );
    const errors = results.flatMap((result) => ('failure' in result ? [result.failure] : []));
    const counts = { CREATED: 0, UPDATED: 0, UNCHANGED: 0, FAILED: 2 * errors.length };
    const all = results.length;
    let done = errors.length;
    options.onProgress?.(done, all);
    for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
      const batch = rows.slice(start, start + ROWS_AT_ONCE);
      const before = done;
      const outcomes = await this.ingestRows(batch, options, (share) => {
        done = before + Math.floor(share * batch.length);
        options.onProgress?.(done, all);
      });
      for (const { statuses, failure } of outcomes) {
        for (const status of statuses) counts[status] += 1;
        if (failure !== null) errors.push(failure);
      }
      done = before + batch.length;
      options.onProgress?.(done, all);
    }
    return {
      created: counts.CREATED,
      updated: counts.UPDATED,
      unchanged: counts.UNCHANGED,
      failed: counts.FAILED,
      errors: errors.sort((a, b) => a.line - b.line),
      seconds: (performance.now() - started) / 1000,
    };
  }

  /** Images first: the text of a row is not stored if its image fails. */
  private async ingestRows(
    rows: readonly KeyedRow[],
    { signal }: FolderIngestOptions,
    onShare: (share: number) => void,
  ): Promise<{ statuses: IngestOutcome['status'][]; failure: RowFailure | null }[]> {
    const imageOutcomes = await this.ingestService.ingest(rows.map(imageInput), {
      signal,
      field: [],
      onProgress: (n, of) => onShare((0.9 * n) / of),
    });
    const texts = rows.map((row, i) => (imageOutcomes[i]?.status === 'FAILED' ? null : textInput(row)));
    const textOutcomes = await this.ingestService.ingest(
      texts.filter((text) => text !== null),
      { signal, field: [] },
    );
    let next = 0;
    return rows.map((row, i) => {
      const image = imageOutcomes[i];
      const text = texts[i] === null ? null : textOutcomes[next++];
      const outcomes = [image, text].filter((outcome) => outcome != null);
      const failed = outcomes.find((outcome) => outcome.status === 'FAILED');
      const statuses = outcomes.map(({ status }) => status);
      // A text that was not tried because its image failed counts as failed, so that the totals add up.
      if (image?.status === 'FAILED' && row.text !== null) statuses.push('FAILED');
      const failure =
        failed?.status === 'FAILED' ? { ...failed.error, line: row.line, fileName: row.fileName } : null;
      return { statuses, failure };
    });
  }
}

interface RowKeys {
  readonly imageKey: string;
  readonly textKey: string;
}
type KeyedRow = FolderRow & RowKeys;

/** External ids: the file's name for the image; further texts of one image are numbered. */
function rowKeys(prefix: string): (row: FolderRow) => RowKeys {
  const captions = new Map<string, number>();
  return ({ fileName }) => {
    const imageKey = `${prefix}/${fileName}`;
    const number = (captions.get(fileName) ?? 0) + 1;
    captions.set(fileName, number);
    return { imageKey, textKey: `${imageKey}#text${number === 1 ? '' : number}` };
  };
}

function imageInput(row: KeyedRow): IngestInput {
  return { ...common(row), content: { path: row.path }, externalId: row.imageKey, title: row.fileName };
}

function textInput(row: KeyedRow): IngestInput | null {
  return row.text === null ? null : { ...common(row), content: { text: row.text }, externalId: row.textKey };
}

function common(row: KeyedRow): Pick<IngestInput, 'classes' | 'pairKey' | 'metadata'> {
  return { classes: row.classes, pairKey: row.imageKey, metadata: { ...row.metadata, file: row.fileName } };
}
