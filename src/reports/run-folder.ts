/**
 * The folder of a run, there whole or not at all: it is built beside its place, under a name that begins with a dot, and
 * renamed when it is complete.
 *
 *     runs/<id>/config.json        what was asked for
 *               manifest.json      code, data, seeds, packages
 *               metrics.csv        every figure with its interval, one a line
 *               predictions.jsonl  every query with what it found, one a line
 *               run.json           the whole record
 *               report.html        the same to look at
 *               model-card.md      what it is, and is not, good for
 *               checkpoints/       what the trainer kept
 */
import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';
import type { Prediction } from '../evaluation/space/predictions.js';
import type { RunRecord } from './run-record.js';
import { writeRunFiles } from './write-run.js';

export interface RunFolder {
  /** Where checkpoints go while it trains; they stay with the run. */
  readonly checkpoints: string;
  /**
   * Writes the run and puts the folder in its place.
   *
   * @returns its path
   */
  finish(record: RunRecord, predictions: Iterable<Prediction>): Promise<string>;
  /** Removes everything; once it is finished, nothing happens. */
  discard(): Promise<void>;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** What is being built, or was when its process was killed. */
const BUILDING = /^\..+\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Nothing is built for so long. */
const LEFT_BEHIND_MS = 7 * 24 * 3_600_000;

/**
 * @param runs the folder of all runs; made where it is not there
 * @param id as in the record that it is going to hold
 * @throws CommonspaceError BAD_INPUT for an id that cannot name a folder, or that there is already;
 *   DATA_FOLDER_NOT_WRITABLE
 */
export async function openRunFolder(runs: string, id: string): Promise<RunFolder> {
  if (!ID.test(id)) throw bad(`"${id}" cannot be a run's id: use letters, digits, ".", "_" and "-".`);
  const place = join(runs, id);
  if (await isThere(place)) throw bad(`There is a run ${id} in ${runs} already.`);
  const building = join(runs, `.${id}.${randomUUID()}`);
  const checkpoints = join(building, 'checkpoints');
  await guarded(runs, () => mkdir(checkpoints, { recursive: true }));
  await removeLeftovers(runs);
  const discard = () => rm(building, { recursive: true, force: true });
  return {
    checkpoints,
    discard,
    async finish(record, predictions) {
      try {
        if (record.id !== id) throw bad(`The record is of the run ${record.id}, the folder of ${id}.`);
        await guarded(runs, () => writeRunFiles(building, record, predictions));
        if (await isThere(place)) throw bad(`There is a run ${id} in ${runs} already.`);
        await guarded(runs, () => rename(building, place));
        return place;
      } catch (error) {
        await discard();
        throw error;
      }
    },
  };
}

/** Removes what processes that were killed have left behind, as far as it can be removed. */
async function removeLeftovers(runs: string): Promise<void> {
  const oldest = Date.now() - LEFT_BEHIND_MS;
  for (const name of await readdir(runs)) {
    if (!BUILDING.test(name)) continue;
    const path = join(runs, name);
    const changed = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    if (changed < oldest) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/**
 * An id that sorts by time and tells what it is.
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

async function isThere(path: string): Promise<boolean> {
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
