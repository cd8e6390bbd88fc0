import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure } from '../disk-failure.js';
import type { TarMember } from './tar-writer.js';

/**
 * Members of an archive that wait on disk, so that what they are read from is not kept open as long as a slow reader takes. The file has no
 * name, so a killed process leaves none.
 */
export class Spool {
  private readonly index: { readonly name: string; readonly start: number; readonly bytes: number }[] = [];
  private size = 0;

  private constructor(
    private readonly file: FileHandle,
    private readonly folder: string,
  ) {}

  static async open(folder: string): Promise<Spool> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, `.spool.${randomBytes(8).toString('hex')}`);
    const file = await open(path, 'wx+');
    await rm(path);
    return new Spool(file, folder);
  }

  /** @throws CommonspaceError DISK_FULL */
  async add(name: string, content: Buffer): Promise<void> {
    try {
      for (let done = 0; done < content.length; ) {
        const { bytesWritten } = await this.file.write(
          content,
          done,
          content.length - done,
          this.size + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw diskFailure(`the archive's rows in ${this.folder}`, error);
    }
    this.index.push({ name, start: this.size, bytes: content.length });
    this.size += content.length;
  }

  /** How many members there are. */
  get members(): number {
    return this.index.length;
  }

  /** The members in the order in which they were added. */
  async *read(): AsyncGenerator<TarMember> {
    for (const { name, start, bytes } of this.index) {
      const content = Buffer.allocUnsafe(bytes);
      for (let done = 0; done < bytes; ) {
        const { bytesRead } = await this.file.read(content, done, bytes - done, start + done);
        if (bytesRead === 0) throw new Error('the spooled rows end too early');
        done += bytesRead;
      }
      yield { name, content };
    }
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
