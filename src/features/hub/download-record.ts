import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { badModel, readJsonFile } from '../model-files.js';

/** The file in which a download records what it got. */
export const RECORD_FILE = 'commonspace-download.json';

const recordSchema = z.looseObject({
  repository: z.string(),
  /** The revision that was asked for, and the commit that it was. */
  revision: z.string(),
  commit: z.string(),
  /** By path: bytes, and the hex sha256. */
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});

export type DownloadRecord = z.infer<typeof recordSchema>;

/**
 * Compares files of a folder with the record of its download. A folder that was put there by hand has no record.
 *
 * @param hashes hex sha256 by path
 * @throws CommonspaceError BAD_MODEL that names the file
 */
export function checkDownload(folder: string, hashes: ReadonlyMap<string, string>): void {
  const file = join(folder, RECORD_FILE);
  if (!existsSync(file)) return;
  const parsed = recordSchema.safeParse(readJsonFile(file));
  if (!parsed.success) throw badModel(file, 'is not the record of a download');
  for (const [name, hash] of hashes) {
    const expected = parsed.data.files[name];
    if (expected === undefined)
      throw badModel(join(folder, name), `is not in the record of the download, ${RECORD_FILE}`);
    if (expected.sha256 !== hash) {
      throw badModel(
        join(folder, name),
        `has sha256 ${hash}, but the record of the download says ${expected.sha256}. Delete the folder to download it again`,
      );
    }
  }
}
