import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRandom } from '../../src/encoder/math/random.js';
import { type Constant, type GraphNode, onnxModel } from './onnx.js';

/** Words of the tokenizer, with the vector of each in the tiny models. */
const COLOURS = {
  red: [0xd6, 0x28, 0x28],
  green: [0x2a, 0x9d, 0x3a],
  blue: [0x1d, 0x4e, 0xd8],
  yellow: [0xf2, 0xc8, 0x11],
  purple: [0x7b, 0x2c, 0xbf],
  black: [0x11, 0x11, 0x11],
} as const;
const OTHERS = ['a', 'small', 'big', 'circle', 'square', 'triangle', 'cross', 'ring', 'the', '##s', ','];
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
export const TINY_WORDS: readonly string[] = [...SPECIAL, ...Object.keys(COLOURS), ...OTHERS];

/** Width of a token's vector, and of an embedding: three numbers for colour, and one constant for each modality (their gap). */
const TINY_WIDTH = 5;
export const TINY_SIZE = 32;

/** [words, 3]: how much less light than white a colour has, as the image tower measures it; other words have none. */
export const TINY_TABLE = TINY_WORDS.map((word, i) => {
  const colour = COLOURS[word as keyof typeof COLOURS];
  // Other words differ a little, so that texts that differ have vectors that differ.
  return colour?.map((byte) => byte / 255 - 1) ?? [0, 0.001 * i, 0];
});
/** [3, 5], with a turn, so that no axis is an axis of the pixels. */
export const TINY_PROJECTION = [
  [0.8, 0.6, 0, 0, 0],
  [-0.6, 0.8, 0, 0, 0],
  [0, 0, 1, 0, 0],
];
export const TINY_BIAS = { IMAGE: [0, 0, 0, 0.02, 0], TEXT: [0, 0, 0, 0, 0.1] } as const;

const constant = (name: string, rows: readonly (readonly number[])[] | readonly number[]): Constant => {
  const nested = rows as readonly (readonly number[])[];
  const dims = Array.isArray(rows[0]) ? [rows.length, nested[0]?.length ?? 0] : [rows.length];
  return { name, dims, values: Float32Array.from(rows.flat() as number[]) };
};
const axes = (name: string, ...values: number[]): Constant => ({
  name,
  dims: [values.length],
  values: BigInt64Array.from(values, BigInt),
});
const op = (
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: GraphNode['attributes'] = {},
): GraphNode => ({
  op: name,
  inputs,
  outputs: [output],
  attributes,
});

/** image_embeds = mean of the pixels · projection + bias. */
export function tinyVision(width = TINY_WIDTH): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'pixel_values', type: 'float32', dims: ['n', 3, 'h', 'w'] }],
    outputs: [{ name: 'image_embeds', type: 'float32', dims: ['n', width] }],
    constants: [
      constant(
        'w',
        TINY_PROJECTION.map((row) => row.slice(0, width)),
      ),
      constant('b', TINY_BIAS.IMAGE.slice(0, width)),
    ],
    nodes: [
      op('GlobalAveragePool', ['pixel_values'], 'mean'),
      op('Flatten', ['mean'], 'flat'),
      op('MatMul', ['flat', 'w'], 'turned'),
      op('Add', ['turned', 'b'], 'image_embeds'),
    ],
  });
}

/** text_embeds = sum of the words' vectors · projection + bias. */
function tinyText(): Uint8Array {
  return onnxModel({
    inputs: [
      { name: 'input_ids', type: 'int64', dims: ['n', 't'] },
      { name: 'attention_mask', type: 'int64', dims: ['n', 't'] },
    ],
    outputs: [{ name: 'text_embeds', type: 'float32', dims: ['n', TINY_WIDTH] }],
    constants: [
      constant('table', TINY_TABLE),
      constant('w', TINY_PROJECTION),
      constant('b', TINY_BIAS.TEXT),
      axes('last', 2),
      axes('tokens', 1),
    ],
    nodes: [
      op('Gather', ['table', 'input_ids'], 'words'),
      op('Cast', ['attention_mask'], 'mask', { to: 1 }),
      op('Unsqueeze', ['mask', 'last'], 'wide'),
      op('Mul', ['words', 'wide'], 'masked'),
      op('ReduceSum', ['masked', 'tokens'], 'sum', { keepdims: 0 }),
      op('MatMul', ['sum', 'w'], 'turned'),
      op('Add', ['turned', 'b'], 'text_embeds'),
    ],
  });
}

/** A sentence encoder: last_hidden_state holds the vectors of the words. */
function tinySentence(): Uint8Array {
  return onnxModel({
    inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({
      name,
      type: 'int64' as const,
      dims: ['n', 't'],
    })),
    outputs: [{ name: 'last_hidden_state', type: 'float32', dims: ['n', 't', 3] }],
    constants: [constant('table', TINY_TABLE)],
    nodes: [op('Gather', ['table', 'input_ids'], 'last_hidden_state')],
  });
}

/** An image model: last_hidden_state is a class token, twice the mean of the patches of 8 pixels, and then the patches. */
function tinyDino(): Uint8Array {
  const patch = 8;
  const kernel = Array.from({ length: 9 * patch * patch }, (_, i) => {
    const [out, channel] = [Math.floor(i / (3 * patch * patch)), Math.floor(i / (patch * patch)) % 3];
    return out === channel ? 1 / (patch * patch) : 0;
  });
  return onnxModel({
    inputs: [{ name: 'pixel_values', type: 'float32', dims: ['n', 3, 'h', 'w'] }],
    outputs: [
      { name: 'last_hidden_state', type: 'float32', dims: ['n', 't', 3] },
      { name: 'pooler_output', type: 'float32', dims: ['n', 3] },
    ],
    constants: [
      { name: 'k', dims: [3, 3, patch, patch], values: Float32Array.from(kernel) },
      axes('shape', 0, 3, -1),
      axes('tokens', 1),
      constant('two', [2]),
    ],
    nodes: [
      op('Conv', ['pixel_values', 'k'], 'patches', { kernel_shape: [patch, patch], strides: [patch, patch] }),
      op('Reshape', ['patches', 'shape'], 'flat'),
      op('Transpose', ['flat'], 'rows', { perm: [0, 2, 1] }),
      op('ReduceMean', ['rows'], 'mean', { axes: [1], keepdims: 1 }),
      op('Mul', ['mean', 'two'], 'class'),
      op('Concat', ['class', 'rows'], 'last_hidden_state', { axis: 1 }),
      op('ReduceMean', ['rows'], 'pooler_output', { axes: [1], keepdims: 0 }),
    ],
  });
}

/** Units of a layer of `largeVision`: a layer has 4 MB of weights. */
const LAYER = 1024;

/** The same tower with layers of random weights between, in a file beside the graph, as large exports have them. */
export function largeVision(layers: number): ModelFiles {
  const file = 'vision_model.onnx_data';
  const random = createRandom(1);
  const weights = Float32Array.from(
    { length: layers * LAYER ** 2 },
    () => (random.uniform() - 0.5) / Math.sqrt(LAYER),
  );
  const outside = (layer: number): Constant => ({
    name: `layer.${layer}`,
    dims: [LAYER, LAYER],
    file,
    offset: 4 * layer * LAYER ** 2,
    length: 4 * LAYER ** 2,
  });
  const numbers = Array.from({ length: layers }, (_, layer) => layer);
  const ends = (name: string, ...dims: [number, number]): Constant => ({
    name,
    dims,
    values: Float32Array.from({ length: dims[0] * dims[1] }, () => random.uniform() - 0.5),
  });
  return {
    'onnx/vision_model.onnx': onnxModel({
      inputs: [{ name: 'pixel_values', type: 'float32', dims: ['n', 3, 'h', 'w'] }],
      outputs: [{ name: 'image_embeds', type: 'float32', dims: ['n', TINY_WIDTH] }],
      constants: [ends('first', 3, LAYER), ends('last', LAYER, TINY_WIDTH), ...numbers.map(outside)],
      nodes: [
        op('GlobalAveragePool', ['pixel_values'], 'mean'),
        op('Flatten', ['mean'], 'flat'),
        op('MatMul', ['flat', 'first'], 'x.0'),
        ...numbers.flatMap((layer) => [
          op('MatMul', [`x.${layer}`, `layer.${layer}`], `y.${layer}`),
          op('Relu', [`y.${layer}`], `x.${layer + 1}`),
        ]),
        op('MatMul', [`x.${layers}`, 'last'], 'image_embeds'),
      ],
    }),
    [`onnx/${file}`]: new Uint8Array(weights.buffer),
  };
}

/** A graph with an operator that does not exist. */
export function tinyUnknown(): Uint8Array {
  return onnxModel({
    inputs: [{ name: 'pixel_values', type: 'float32', dims: ['n', 3, 'h', 'w'] }],
    outputs: [{ name: 'image_embeds', type: 'float32', dims: ['n', 3] }],
    constants: [],
    nodes: [{ ...op('Conjure', ['pixel_values'], 'image_embeds'), domain: 'tiny.unknown' }],
  });
}

/** A tokenizer.json of whole words and the ending -s, with a class token before and a separator after the text. */
function tinyTokenizer(): object {
  const id = (word: string) => TINY_WORDS.indexOf(word);
  const special = (word: string) => ({ id: word, ids: [id(word)], tokens: [word] });
  const token = (word: string) => ({ SpecialToken: { id: word, type_id: 0 } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content) => ({
      id: id(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, token('[SEP]')],
      pair: [],
      special_tokens: { '[CLS]': special('[CLS]'), '[SEP]': special('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(TINY_WORDS.map((word, i) => [word, i])),
    },
  };
}

/** Files of a model by path: JSON, or the bytes of a graph. */
export type ModelFiles = Readonly<Record<string, object | Uint8Array>>;

const TOKENIZER: ModelFiles = {
  'tokenizer.json': tinyTokenizer(),
  'tokenizer_config.json': { model_max_length: 12, pad_token: '[PAD]', tokenizer_class: 'BertTokenizer' },
};
const PREPROCESSOR = {
  do_resize: true,
  size: { shortest_edge: TINY_SIZE },
  resample: 3,
  do_center_crop: true,
  crop_size: { height: TINY_SIZE, width: TINY_SIZE },
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [1, 1, 1],
  image_std: [1, 1, 1],
};

/** A model of two towers in one space, of a few KB: it matches pictures with the words for their colours. */
export const TINY_CLIP: ModelFiles = {
  'config.json': { model_type: 'clip', text_config: {}, vision_config: {} },
  'preprocessor_config.json': PREPROCESSOR,
  ...TOKENIZER,
  'onnx/vision_model.onnx': tinyVision(),
  'onnx/text_model.onnx': tinyText(),
};

export const TINY_SENTENCE: ModelFiles = {
  'config.json': { model_type: 'bert', max_position_embeddings: 64 },
  ...TOKENIZER,
  '1_Pooling/config.json': { word_embedding_dimension: 3, pooling_mode_mean_tokens: true },
  'onnx/model.onnx': tinySentence(),
};

export const TINY_DINO: ModelFiles = {
  'config.json': { model_type: 'dinov2' },
  'preprocessor_config.json': {
    ...PREPROCESSOR,
    size: { shortest_edge: 40 },
    image_mean: [0.4, 0.5, 0.6],
    image_std: [0.2, 0.25, 0.5],
  },
  'onnx/model.onnx': tinyDino(),
};

/** @returns its name: `onnx:FOLDER` */
export async function saveOnnx(folder: string, files: ModelFiles): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), contentOf(content));
  }
  return `onnx:${folder}`;
}

export function contentOf(content: object | Uint8Array): Uint8Array {
  return content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
}
