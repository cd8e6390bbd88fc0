import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import { badArchive } from '../../platform/tar/tar-reader.js';

/** The backup of an embedded catalogue; docs/operations.md describes it. A reader refuses backups of later versions. */
const VERSION = 1;
const FORMAT = 'commonspace-backup';

/** The first member. */
export const BACKUP_HEADER = 'commonspace-backup.json';
/** The files of the database are below this folder. */
export const DATABASE = 'database/';

const header = z.object({ format: z.literal(FORMAT), version: z.int().min(1), createdAt: z.iso.datetime() });

export function encodeBackupHeader(): Buffer {
  const value: z.infer<typeof header> = {
    format: FORMAT,
    version: VERSION,
    createdAt: new Date().toISOString(),
  };
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** @throws CommonspaceError BAD_ARCHIVE, ARCHIVE_TOO_NEW */
export function checkBackupHeader(bytes: Buffer): void {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw badArchive(`${BACKUP_HEADER} is malformed`, BACKUP_HEADER, error);
  }
  const parsed = header.safeParse(value);
  if (!parsed.success) throw badArchive(`${BACKUP_HEADER} is malformed`, BACKUP_HEADER, parsed.error);
  const { version } = parsed.data;
  if (version > VERSION) {
    throw new CommonspaceError(
      'ARCHIVE_TOO_NEW',
      `The backup has version ${version}, and this program reads version ${VERSION} at most. Use a newer one.`,
      ['file'],
    );
  }
}

const PATH = /^[\w.-]+(\/[\w.-]+)*$/;

/** The path of a file of the database within its folder, from the name of a member. @throws CommonspaceError BAD_ARCHIVE if it leads out of it */
export function databasePath(member: string): string {
  const path = member.startsWith(DATABASE) ? member.slice(DATABASE.length).replace(/\/$/, '') : '';
  if (!PATH.test(path) || path.split('/').some((part) => part === '.' || part === '..'))
    throw badArchive(`it has a member ${JSON.stringify(member)}`, member);
  return path;
}
