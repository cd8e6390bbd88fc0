import { access, mkdir, mkdtemp, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isUuid } from '../../domain/ids.js';
import { readCheckpoint, writeCheckpoint } from '../../encoder/training/checkpoint-file.js';

const WORK = 'work-';
/** A work folder of this age is of a process that was killed. */
const ABANDONED_MS = 24 * 3_600_000;

/** The files of trainings, in `runs/<encoder>/` of the data folder: checkpoints, and the rows that a training reads. */
export class Checkpoints {
  constructor(private readonly runsFolder: string) {}

  /** The latest checkpoint; null where there is none. @throws CommonspaceError BAD_MODEL where it is damaged. */
  read(encoderId: string): Promise<Uint8Array | null> {
    return readCheckpoint(this.file(encoderId));
  }

  async has(encoderId: string): Promise<boolean> {
    try {
      await access(this.file(encoderId));
      return true;
    } catch {
      return false;
    }
  }

  async write(encoderId: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.folder(encoderId), { recursive: true });
    await writeCheckpoint(this.file(encoderId), bytes);
  }

  /** Removes the checkpoints of a run. */
  async remove(encoderId: string): Promise<void> {
    await rm(this.folder(encoderId), { recursive: true, force: true });
  }

  /** The folder of the rows that a training reads. */
  rowsFolder(encoderId: string): string {
    return join(this.runsFolder, encoderId, 'rows');
  }

  /** Removes the rows of a run: each attempt reads them from the database again. */
  async removeRows(encoderId: string): Promise<void> {
    await rm(this.rowsFolder(encoderId), { recursive: true, force: true });
    // The run's folder stays if it has other files.
    await rmdir(join(this.runsFolder, encoderId)).catch(() => {});
  }

  /** Runs work with a folder of its own for rows of this encoder, which is removed at the end. */
  async withFolder<T>(encoderId: string, work: (folder: string) => Promise<T>): Promise<T> {
    const runFolder = join(this.runsFolder, encoderId);
    await mkdir(runFolder, { recursive: true });
    await removeAbandoned(runFolder);
    const folder = await mkdtemp(join(runFolder, WORK));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
      await rmdir(runFolder).catch(() => {});
    }
  }

  /** Removes all files of a run. */
  async removeRun(encoderId: string): Promise<void> {
    await rm(join(this.runsFolder, encoderId), { recursive: true, force: true });
  }

  /**
   * Removes the files of encoders that do not exist, where nothing has changed since a time.
   *
   * @returns the number of encoders
   */
  async removeUnknown(exists: (encoderId: string) => Promise<boolean>, before: number): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.runsFolder).catch(() => [])) {
      if (!isUuid(name)) continue;
      const changed = await stat(join(this.runsFolder, name)).catch(() => null);
      if (changed === null || changed.mtimeMs >= before || (await exists(name))) continue;
      await this.removeRun(name);
      removed += 1;
    }
    return removed;
  }

  private folder(encoderId: string): string {
    return join(this.runsFolder, encoderId, 'checkpoints');
  }

  private file(encoderId: string): string {
    return join(this.folder(encoderId), 'latest.checkpoint');
  }
}

async function removeAbandoned(runFolder: string): Promise<void> {
  for (const name of await readdir(runFolder)) {
    if (!name.startsWith(WORK)) continue;
    const path = join(runFolder, name);
    // Another process may remove it meanwhile.
    const changed = await stat(path).catch(() => null);
    if (changed !== null && Date.now() - changed.mtimeMs > ABANDONED_MS)
      await rm(path, { recursive: true, force: true });
  }
}
