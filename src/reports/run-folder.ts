/**
 * The folder of a run. It is written under a temporary name that begins with a dot, in the same parent folder, and renamed
 * when it is complete.
 *
 *     runs/<id>/config.json        the request and its options
 *               manifest.json      code, data, seeds, packages
 *               metrics.csv        all metrics with their intervals, one in each line
 *               predictions.jsonl  all queries with their results, one in each line
 *               run.json           the complete record
 *               report.html        the report with charts
 *               model-card.md      intended use, metrics and limits
 *               checkpoints/       the checkpoints of the training
 */
import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';
import type { Prediction } from '../evaluation/space/predictions.js';
import type { RunRecord } from './run-record.js';
import { writeRunFiles } from './write-run.js';

export interface RunFolder {
  /** The folder of the checkpoints. They remain in the run's folder. */
  readonly checkpoints: string;
  /**
   * Writes the files of the run and renames the folder.
   *
   * @returns the path of the folder
   */
  finish(record: RunRecord, predictions: Iterable<Prediction>): Promise<string>;
  /** Removes the temporary folder. Does nothing after `finish`. */
  discard(): Promise<void>;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Names of temporary folders. A killed process leaves one behind. */
const TEMPORARY = /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Older temporary folders are removed. */
const LEFT_BEHIND_MS = 7 * 24 * 3_600_000;

/**
 * @param runs the folder of all runs; created if it does not exist
 * @param id the id of the record
 * @throws CommonspaceError BAD_INPUT if the id is not a valid folder name or exists already;
 *   DATA_FOLDER_NOT_WRITABLE
 */
export async function openRunFolder(runs: string, id: string): Promise<RunFolder> {
  if (!ID.test(id)) throw bad(`"${id}" is not a valid run id. Use letters, digits, ".", "_" and "-".`);
  const target = join(runs, id);
  if (await exists(target)) throw bad(`The run ${id} already exists in ${runs}.`);
  const temporary = join(runs, `.${id}.${randomUUID()}`);
  const checkpoints = join(temporary, 'checkpoints');
  await guarded(runs, () => mkdir(checkpoints, { recursive: true }));
  await removeUnfinishedRuns(runs);
  const discard = () => rm(temporary, { recursive: true, force: true });
  return {
    checkpoints,
    discard,
    async finish(record, predictions) {
      try {
        if (record.id !== id) throw bad(`The record has the id ${record.id}, the folder ${id}.`);
        await guarded(runs, () => writeRunFiles(temporary, record, predictions));
        if (await exists(target)) throw bad(`The run ${id} already exists in ${runs}.`);
        await guarded(runs, () => rename(temporary, target));
        return target;
      } catch (error) {
        await discard();
        throw error;
      }
    },
  };
}

/** Removes old temporary folders that killed processes left behind. Errors are ignored. @returns how many */
export async function removeUnfinishedRuns(runs: string): Promise<number> {
  const oldest = Date.now() - LEFT_BEHIND_MS;
  let removed = 0;
  for (const name of await readdir(runs).catch(() => [])) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(runs, name);
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (changed >= oldest) continue;
    await rm(path, { recursive: true, force: true }).catch(() => {});
    removed += 1;
  }
  return removed;
}

/**
 * An id that sorts by time.
 *
 * @example newRunId('2026-11-23T23:30:05.120Z', ['wikipedia', 'extendable']) // 20261123-233005-wikipedia-extendable-3f9a
 */
export function newRunId(createdAt: string, words: readonly string[]): string {
  const time = createdAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const slug = words
    .join('-')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 80);
  return [time, slug, randomUUID().slice(0, 4)].filter((part) => part !== '').join('-');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function guarded<T>(runs: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'].includes(code))
      throw error;
    throw new CommonspaceError('DATA_FOLDER_NOT_WRITABLE', `${runs} cannot be written to (${code}).`, [], {
      cause: error,
    });
  }
}

function bad(message: string): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', message, ['run']);
}
