import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Matrix, RowFileRef } from '../domain/matrix.js';
import { diskFailure } from './disk-failure.js';
import { bytesOf, HEADER_BYTES, rowFileHeader } from './row-file.js';

const writeBytes = promisify(write);

/** Writes a file of rows; see row-file.ts. Every method removes the file if it fails. */
export class RowFileWriter {
  private readonly descriptor: number;
  private readonly sum = createHash('sha256');
  private rows = 0;
  private open = true;

  /** Replaces the file if it exists. */
  constructor(
    readonly file: string,
    readonly columns: number,
  ) {
    this.descriptor = openSync(file, 'w');
  }

  /** Adds rows without blocking the thread. Wait for it before the next call. @throws CommonspaceError DISK_FULL */
  async append(rows: Matrix): Promise<void> {
    const { bytes, start } = this.account(rows);
    try {
      for (let done = 0; done < bytes.length; ) {
        const left = bytes.length - done;
        done += (await writeBytes(this.descriptor, bytes, done, left, start + done)).bytesWritten;
      }
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** `append` for worker threads: it blocks. @throws CommonspaceError DISK_FULL */
  appendSync(rows: Matrix): void {
    const { bytes, start } = this.account(rows);
    this.writeAll(bytes, start);
  }

  /** Completes the file with its header. @throws CommonspaceError DISK_FULL */
  finish(): RowFileRef {
    const { file, rows, columns } = this;
    // Not flushed to disk: a training whose process ended reads its rows again.
    this.writeAll(rowFileHeader(rows, columns, this.sum.digest()), 0);
    this.close();
    return { file, rows, columns };
  }

  /** Removes the file. */
  discard(): void {
    this.close();
    rmSync(this.file, { force: true });
  }

  private close(): void {
    if (this.open) closeSync(this.descriptor);
    this.open = false;
  }

  private account({ data, rows, columns }: Matrix): { readonly bytes: Buffer; readonly start: number } {
    if (rows > 0 && columns !== this.columns)
      throw new RangeError(`${this.file} has rows of ${this.columns} numbers, not of ${columns}`);
    const bytes = bytesOf(data);
    const start = HEADER_BYTES + this.rows * this.columns * 4;
    this.sum.update(bytes);
    this.rows += rows;
    return { bytes, start };
  }

  private writeAll(bytes: Buffer, start: number): void {
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.descriptor, bytes, done, bytes.length - done, start + done);
    } catch (error) {
      throw this.failure(error);
    }
  }

  private failure(error: unknown): unknown {
    this.discard();
    return diskFailure(this.file, error);
  }
}
