import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommonspaceError, throwIfCancelled } from '../../domain/errors.js';
import { type HubModel, storedName } from '../onnx/model-name.js';
import { downloadFile } from './download-file.js';
import { type DownloadRecord, RECORD_FILE } from './download-record.js';
import { hubGet } from './hub-get.js';
import { listingPath, readListing, unavailable } from './hub-listing.js';
import type { HubOptions } from './hub-options.js';

/** Part of the names of folders with unfinished downloads. */
const UNFINISHED = '.download-';
/** An unfinished download that was not written to for this time belongs to a process that was killed. */
const STALE_MS = 60 * 60 * 1000;

/**
 * Downloads a model into a folder, which exists only when the download is complete and its hashes agree with the hub's. A
 * file that breaks off is resumed. A failure leaves nothing behind.
 *
 * @throws CommonspaceError MODEL_UNAVAILABLE, with what to do where there is no network; CANCELLED
 */
export async function downloadModel(model: HubModel, folder: string, hub: HubOptions): Promise<void> {
  const parent = dirname(folder);
  let unfinished: string | null = null;
  try {
    const listing = await hubGet(hub, listingPath(model), {}, (response) => readListing(response, model));
    const known = listing.files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
    if (known > hub.maxBytes) throw tooLarge(known, hub);
    await mkdir(parent, { recursive: true });
    await removeStale(parent);
    unfinished = await mkdtemp(join(parent, `${basename(folder)}${UNFINISHED}`));
    const files: DownloadRecord['files'] = {};
    let left = hub.maxBytes;
    for (const file of listing.files) {
      const path = `/${model.repository}/resolve/${listing.commit}/${file.path}`;
      const got = await downloadFile(hub, path, file, join(unfinished, file.path), left);
      files[file.path] = got;
      left -= got.bytes;
    }
    const revision = model.revision ?? 'main';
    const record: DownloadRecord = {
      repository: model.repository,
      revision,
      commit: listing.commit,
      files,
    };
    await writeFile(join(unfinished, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    await rename(unfinished, folder).catch((error: unknown) => {
      // Another process has downloaded it meanwhile.
      if (!existsSync(folder)) throw error;
    });
  } catch (error) {
    throw failure(model, folder, hub, error);
  } finally {
    if (unfinished !== null) await rm(unfinished, { recursive: true, force: true });
    // Only if it is empty.
    await rmdir(parent).catch(() => {});
  }
}

async function removeStale(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.includes(UNFINISHED)) continue;
    const path = join(parent, name);
    const times = await Promise.all(
      ['.', ...(await readdir(path, { recursive: true }))].map(
        async (file) => (await stat(join(path, file))).mtimeMs,
      ),
    );
    if (Math.max(...times) < Date.now() - STALE_MS) await rm(path, { recursive: true, force: true });
  }
}

function tooLarge(bytes: number, { maxBytes }: HubOptions): CommonspaceError {
  const megabytes = (count: number) => `${Math.ceil(count / 2 ** 20)} MB`;
  return unavailable(`it has ${megabytes(bytes)}; COMMONSPACE_MODEL_MEGABYTES allows ${megabytes(maxBytes)}`);
}

function failure(
  model: HubModel,
  folder: string,
  { endpoint, signal }: HubOptions,
  error: unknown,
): CommonspaceError {
  throwIfCancelled(signal);
  const code = (error as NodeJS.ErrnoException).code;
  const isKnown = error instanceof CommonspaceError;
  if (!isKnown && code === undefined) throw error;
  const reason = isKnown ? error.message.replace(/\.$/, '') : `${code}`;
  return new CommonspaceError(
    'MODEL_UNAVAILABLE',
    `${storedName(model)} cannot be downloaded from ${endpoint}: ${reason}. Where the hub cannot be reached, put the model's ` +
      `files (config.json, preprocessor_config.json, tokenizer.json, tokenizer_config.json, onnx/*.onnx) into ${folder}.`,
    [],
    { cause: error },
  );
}
