import { resolve } from 'node:path';
import { CommonspaceError } from '../../domain/errors.js';

/** A folder with an ONNX model: `onnx:PATH[#VARIANT]`. */
export interface FolderModel {
  readonly kind: 'folder';
  /** Absolute. */
  readonly folder: string;
  /** Ending of the graphs' names, e.g. `quantized` for `model_quantized.onnx`; null: the graphs of full precision. */
  readonly variant: string | null;
}

/** A model of a hub: `hf:ORG/NAME[@REVISION][#VARIANT]`. */
export interface HubModel {
  readonly kind: 'hub';
  readonly repository: string;
  /** A branch, tag or commit; null: the one that the hub calls `main`. */
  readonly revision: string | null;
  readonly variant: string | null;
}

const FOLDER = 'onnx:';
const HUB = 'hf:';
const PART = '[A-Za-z0-9][\\w.-]{0,95}';
const HUB_NAME = new RegExp(`^(${PART}/${PART})(?:@(${PART}(?:/${PART}){0,3}))?(?:#(.*))?$`);
const VARIANT = /^\w{1,16}$/;

/**
 * Parses `onnx:PATH[#VARIANT]` or `hf:ORG/NAME[@REVISION][#VARIANT]`; null for a name of another kind.
 *
 * @throws CommonspaceError BAD_CONFIG for a malformed name, with the setting as its field
 */
export function parseModelName(name: string, setting: string): FolderModel | HubModel | null {
  if (name.startsWith(FOLDER)) {
    const [folder = '', variant] = name.slice(FOLDER.length).split('#', 2);
    if (folder === '') throw malformed(name, 'the path is missing', setting);
    return { kind: 'folder', folder: resolve(folder), variant: readVariant(name, variant, setting) };
  }
  if (!name.startsWith(HUB)) return null;
  const [, repository, revision, variant] = HUB_NAME.exec(name.slice(HUB.length)) ?? [];
  if (repository === undefined || name.includes('..'))
    throw malformed(name, 'it must be hf:ORG/NAME[@REVISION][#VARIANT]', setting);
  return {
    kind: 'hub',
    repository,
    revision: revision ?? null,
    variant: readVariant(name, variant, setting),
  };
}

/** The name in the form that is stored with an encoder and opens the model again. */
export function storedName(model: FolderModel | HubModel): string {
  const variant = model.variant === null ? '' : `#${model.variant}`;
  if (model.kind === 'folder') return `${FOLDER}${model.folder}${variant}`;
  return `${HUB}${model.repository}${model.revision === null ? '' : `@${model.revision}`}${variant}`;
}

function readVariant(name: string, variant: string | undefined, setting: string): string | null {
  if (variant === undefined || VARIANT.test(variant)) return variant ?? null;
  throw malformed(name, 'a variant has letters, digits and _', setting);
}

function malformed(name: string, what: string, setting: string): CommonspaceError {
  return new CommonspaceError('BAD_CONFIG', `The model name ${JSON.stringify(name)} is malformed: ${what}.`, [
    setting,
  ]);
}
