import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { checkDownload } from '../hub/download-record.js';
import { badModel, readJsonFile } from '../model-files.js';
import { SETTING_FILES, TOWERS } from './known-files.js';
import type { FolderModel } from './model-name.js';

/** Graphs of a modality by their names without ending, the first that exists. `model` serves a model of one modality. */
const GRAPHS = { IMAGE: ['vision_model', 'model'], TEXT: ['text_model', 'model'] } as const;
/** Folders of graphs, the first that has them. */
const GRAPH_FOLDERS = ['onnx', '.'] as const;

const HASH_DIGITS = 12;

const configSchema = z.looseObject({
  model_type: z.string().optional(),
  max_position_embeddings: z.int().positive().optional(),
  text_config: z
    .looseObject({
      max_position_embeddings: z.int().positive().optional(),
      pad_token_id: z.int().min(0).nullish(),
    })
    .optional(),
});

type ModelConfig = z.infer<typeof configSchema>;

/** A folder in the layout that @huggingface/transformers reads, whose files have been hashed. */
export interface ModelFolder {
  readonly folder: string;
  readonly config: ModelConfig;
  /** The graph of the modality that the folder was opened for. */
  readonly graph: string;
  /** Part of the extractor's id: the folder's name and a hash of the model's files. */
  readonly name: string;
  readonly hash: string;
  /** Whether it has a graph for each modality, whose outputs are in one space. */
  readonly isTwoTower: boolean;
}

/**
 * Reads the folder of an ONNX model and hashes its files.
 *
 * @throws CommonspaceError BAD_MODEL that names the file: one is missing or malformed, or is not what the hub's record says
 */
export async function openModelFolder(model: FolderModel, modality: Modality): Promise<ModelFolder> {
  const { folder } = model;
  const configFile = join(folder, 'config.json');
  const parsed = configSchema.safeParse(readJsonFile(configFile));
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.map(String) ?? [];
    throw badModel(configFile, `${path.join('.') || 'the object'} is malformed`, undefined, [
      'config.json',
      ...path,
    ]);
  }
  const towers = TOWERS.flatMap((name) => findGraph(model, [name]) ?? []);
  const graph = findGraph(model, GRAPHS[modality]);
  if (graph === null) throw noGraph(model, modality);
  const isTwoTower = towers.length === TOWERS.length;
  // Both towers count, so that their ids have the same hash exactly if they belong together.
  const graphs = isTwoTower ? towers : [graph];
  const files = [
    ...SETTING_FILES.filter((name) => existsSync(join(folder, name))),
    ...graphs.flatMap((name) => [name, ...externalData(folder, name)]),
  ].sort();
  const hashes = new Map<string, string>();
  for (const name of files) hashes.set(name, await sha256(join(folder, name)));
  checkDownload(folder, hashes);
  const all = createHash('sha256').update(JSON.stringify([...hashes]));
  return {
    folder,
    config: parsed.data,
    graph: join(folder, graph),
    name: basename(folder).replace(/[^\w.+-]+/g, '-') || 'model',
    hash: all.digest('hex').slice(0, HASH_DIGITS),
    isTwoTower,
  };
}

/** The modalities that a folder has graphs and settings for. A graph that is called `model` serves that of its settings. */
export function modalitiesOf(model: FolderModel): Modality[] {
  const settings = { IMAGE: 'preprocessor_config.json', TEXT: 'tokenizer.json' } as const;
  return MODALITIES.filter(
    (modality) =>
      findGraph(model, GRAPHS[modality]) !== null && existsSync(join(model.folder, settings[modality])),
  );
}

/** The path of the first of these graphs that exists, in the variant, relative to the folder. */
function findGraph({ folder, variant }: FolderModel, names: readonly string[]): string | null {
  const ending = variant === null ? '' : `_${variant}`;
  const paths = names.flatMap((name) => GRAPH_FOLDERS.map((at) => join(at, `${name}${ending}.onnx`)));
  return paths.find((path) => existsSync(join(folder, path))) ?? null;
}

/** Files in which a graph keeps its weights: `model.onnx_data`, `model.onnx_data_1`. */
function externalData(folder: string, graph: string): string[] {
  const at = join(graph, '..');
  return readdirSync(join(folder, at))
    .filter((name) => name.startsWith(`${basename(graph)}_data`) || name === `${basename(graph)}.data`)
    .map((name) => join(at, name));
}

function noGraph({ folder, variant }: FolderModel, modality: Modality): Error {
  const found = GRAPH_FOLDERS.flatMap((at) =>
    existsSync(join(folder, at))
      ? readdirSync(join(folder, at)).filter((name) => name.endsWith('.onnx'))
      : [],
  );
  const ending = variant === null ? '' : `_${variant}`;
  const wanted = GRAPHS[modality].map((name) => `onnx/${name}${ending}.onnx`).join(' or ');
  const has = found.length === 0 ? 'there is no .onnx file' : `there are ${found.join(', ')}`;
  return badModel(join(folder, 'onnx'), `has no ${wanted}; ${has}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
