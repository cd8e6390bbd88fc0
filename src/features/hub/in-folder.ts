import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CommonspaceError } from '../../domain/errors.js';
import { type HubModel, parseModelName, storedName } from '../onnx/model-name.js';
import { downloadModel } from './download-model.js';
import type { HubOptions } from './hub-options.js';

/** Downloads that are running, by folder: two extractors of one model share one. */
const running = new Map<string, Promise<void>>();

/**
 * The name of the same model in its folder: `hf:ORG/NAME` becomes `onnx:FOLDER`, downloaded first if the folder does not
 * exist. Other names are returned as they are.
 *
 * @throws CommonspaceError BAD_CONFIG without a hub, MODEL_UNAVAILABLE if the model cannot be downloaded
 */
export async function inFolder(name: string, hub: HubOptions | undefined): Promise<string> {
  const model = parseModelName(name, 'COMMONSPACE_IMAGE_MODEL');
  if (model?.kind !== 'hub') return name;
  if (hub === undefined) throw new CommonspaceError('BAD_CONFIG', 'There is no folder for models of a hub.');
  const folder = folderOf(model, hub.folder);
  if (!existsSync(folder)) {
    const download = running.get(folder) ?? downloadModel(model, folder, hub);
    running.set(folder, download);
    await download.finally(() => running.delete(folder));
  }
  return storedName({ kind: 'folder', folder, variant: model.variant });
}

/** One folder for each revision and variant. Its name becomes part of the extractor's id. */
function folderOf({ repository, revision, variant }: HubModel, models: string): string {
  const [organisation = '', name = ''] = repository.split('/');
  const at = revision === null ? '' : `@${encodeURIComponent(revision)}`;
  return join(models, organisation, `${name}${at}${variant === null ? '' : `+${variant}`}`);
}
