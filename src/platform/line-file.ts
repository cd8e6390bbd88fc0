/** Files of lines, for lists that are larger than memory. They are written once and read from the start. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { CommonspaceError } from '../domain/errors.js';
import { diskFailure } from './disk-failure.js';

/** A complete file of lines, as `LineFileWriter` leaves it. */
export interface LineFileRef {
  readonly file: string;
  readonly lines: number;
}

/** Writes a file of lines. Every method removes the file if it fails. */
export class LineFileWriter {
  private lines = 0;
  private open = true;

  private constructor(
    readonly file: string,
    private readonly handle: FileHandle,
  ) {}

  /** Replaces the file if it exists. */
  static async create(file: string): Promise<LineFileWriter> {
    return new LineFileWriter(file, await open(file, 'w'));
  }

  /** Wait for it before the next call. @throws CommonspaceError DISK_FULL */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    try {
      await this.handle.appendFile(`${lines.join('\n')}\n`);
    } catch (error) {
      await this.discard();
      throw diskFailure(this.file, error);
    }
    this.lines += lines.length;
  }

  async finish(): Promise<LineFileRef> {
    await this.close();
    return { file: this.file, lines: this.lines };
  }

  /** Removes the file. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.file, { force: true });
  }

  private async close(): Promise<void> {
    if (this.open) await this.handle.close();
    this.open = false;
  }
}

/** The lines in order, about 64 kB of them at a time. @throws CommonspaceError BAD_ROWS if there are more or fewer lines */
export async function* readLines({ file, lines }: LineFileRef): AsyncGenerator<string[]> {
  let rest = '';
  let found = 0;
  for await (const text of createReadStream(file, 'utf8')) {
    const complete = (rest + (text as string)).split('\n');
    rest = complete.pop() ?? '';
    found += complete.length;
    if (complete.length > 0) yield complete;
  }
  if (found === lines && rest === '') return;
  const why = `it has ${found} lines where ${lines} are expected`;
  throw new CommonspaceError('BAD_ROWS', `The file of training pairs ${file} cannot be used: ${why}.`);
}
