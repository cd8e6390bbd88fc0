import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Modality } from '../../domain/modality.js';
import { badModel, readJsonFile } from '../model-files.js';
import { joinUnit } from '../vectors.js';
import type { ModelFolder } from './model-folder.js';
import type { Graph, ModelOutput } from './session.js';

/** How a vector for each token, or patch, becomes one vector. */
export type Pooling = 'mean' | 'cls' | 'max' | 'last';

const POOLING_FILE = '1_Pooling/config.json';
const POOLINGS: Readonly<Record<string, Pooling>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
  pooling_mode_lasttoken: 'last',
};

/** Outputs by preference. The pooler of a text model alone, and of an image model alone, is a layer of its pre-training. */
const TOWER_OUTPUTS = { IMAGE: ['image_embeds', 'pooler_output'], TEXT: ['text_embeds', 'pooler_output'] };
const SINGLE_OUTPUTS = {
  IMAGE: ['image_embeds', 'last_hidden_state'],
  TEXT: ['text_embeds', 'sentence_embedding', 'last_hidden_state', 'token_embeddings'],
};
/** Outputs that are no embedding. */
const NO_EMBEDDING = ['logits', 'pooler_output'];

/** @throws CommonspaceError BAD_MODEL if no output is an embedding */
export function chooseOutput(graph: Graph, { isTwoTower }: ModelFolder, modality: Modality): string {
  const preferred = (isTwoTower ? TOWER_OUTPUTS : SINGLE_OUTPUTS)[modality];
  const known = preferred.find((name) => graph.outputs.includes(name));
  if (known !== undefined) return known;
  const [only, ...others] = graph.outputs;
  if (only !== undefined && others.length === 0 && !NO_EMBEDDING.includes(only)) return only;
  throw badModel(graph.file, `has the outputs ${graph.outputs.join(', ')}, of which none is an embedding`);
}

/**
 * The pooling that the model's files declare; without a declaration the class token of pictures, and the mean of texts.
 *
 * @throws CommonspaceError BAD_MODEL for a pooling or a further layer that is not supported
 */
export function readPooling({ folder }: ModelFolder, modality: Modality): Pooling {
  if (modality === 'IMAGE') return 'cls';
  const file = join(folder, POOLING_FILE);
  if (!existsSync(file)) return 'mean';
  const json = z.record(z.string(), z.unknown()).safeParse(readJsonFile(file));
  if (!json.success) throw badModel(file, 'is not an object');
  const on = Object.entries(json.data).filter(
    ([name, value]) => name.startsWith('pooling_mode_') && value === true,
  );
  const [name = ''] = on[0] ?? [];
  const pooling = POOLINGS[name];
  if (on.length === 1 && pooling !== undefined) return pooling;
  const field = name === '' ? 'pooling_mode_mean_tokens' : name;
  throw badModel(
    file,
    `must have exactly one of ${Object.keys(POOLINGS).join(', ')}; it has ${on.map(([one]) => one).join(', ') || 'none'}`,
    undefined,
    [POOLING_FILE, field],
  );
}

/**
 * The vectors of a batch, of unit length: [n, d] as they are, [n, tokens, d] pooled, [n, d, h, w] averaged over the picture.
 *
 * @throws CommonspaceError BAD_MODEL for another shape, or for values that are not finite
 */
export function toFeatures(file: string, { data, dims }: ModelOutput, pooling: Pooling): Float32Array[] {
  const [count = 0, ...rest] = dims;
  const size = rest.reduce((product, dim) => product * dim, 1);
  if (rest.length < 1 || rest.length > 3 || size === 0)
    throw badModel(file, `gives an output of shape [${dims.join(', ')}]`);
  return Array.from({ length: count }, (_, i) => {
    const part = data.subarray(i * size, (i + 1) * size);
    const vector = pooled(part, rest, pooling);
    if (!vector.every(Number.isFinite)) throw badModel(file, 'gives values that are not finite');
    return joinUnit([{ part: vector, weight: 1 }]);
  });
}

function pooled(part: Float32Array, [first = 1, ...rest]: readonly number[], pooling: Pooling): Float32Array {
  if (rest.length === 0) return part;
  if (rest.length === 2) {
    const area = (rest[0] ?? 1) * (rest[1] ?? 1);
    return Float32Array.from({ length: first }, (_, k) => mean(part.subarray(k * area, (k + 1) * area)));
  }
  const columns = rest[0] ?? 1;
  const row = (t: number) => part.subarray(t * columns, (t + 1) * columns);
  if (pooling === 'cls') return row(0);
  if (pooling === 'last') return row(first - 1);
  const out = Float32Array.from(row(0));
  for (let t = 1; t < first; t += 1) {
    for (let k = 0; k < columns; k += 1) {
      const value = part[t * columns + k] as number;
      out[k] = pooling === 'max' ? Math.max(out[k] as number, value) : (out[k] as number) + value;
    }
  }
  return pooling === 'max' ? out : out.map((sum) => sum / first);
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
