/**
 * A model in the layout of CLIP as it is published for @huggingface/transformers: the names of files, inputs and outputs, the kind
 * of tokenizer, the operators.
 */
import { filled, integers, LAYOUT_WIDTH, op, special, vision } from './layout-parts.js';
import { onnxModel } from './onnx.js';
import type { ModelFiles } from './tiny-onnx.js';

/** Tokens of a text at most. */
export const CLIP_LENGTH = 77;
export const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
export const CLIP_STD = [0.26862954, 0.26130258, 0.27577711] as const;

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const START = '<|startoftext|>';
const END = '<|endoftext|>';

/** Letters, letters that end a word, and merges that make two whole words. */
const CLIP_MERGES = ['r e', 're d</w>', 'c a', 'ca t</w>'] as const;
const CLIP_VOCABULARY = [
  ...LETTERS,
  ...LETTERS.map((letter) => `${letter}</w>`),
  're',
  'red</w>',
  'ca',
  'cat</w>',
  START,
  END,
];

const idOf = (token: string) => CLIP_VOCABULARY.indexOf(token);

/** Byte-level pairs with the end-of-word suffix, lower case, start and end tokens: as OpenAI's CLIP. */
const CLIP_TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [special(START, idOf(START)), special(END, idOf(END))],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Lowercase' },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      {
        type: 'Split',
        pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
        behavior: 'Removed',
        invert: true,
      },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
    ],
  },
  post_processor: {
    type: 'RobertaProcessing',
    sep: [END, idOf(END)],
    cls: [START, idOf(START)],
    trim_offsets: false,
    add_prefix_space: false,
  },
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: END,
    continuing_subword_prefix: '',
    end_of_word_suffix: '</w>',
    fuse_unk: false,
    vocab: Object.fromEntries(CLIP_VOCABULARY.map((token, id) => [token, id])),
    merges: CLIP_MERGES,
  },
};

/**
 * A text tower as CLIP's: token and position vectors, attention to earlier tokens only, normalisation, the vector at the end
 * token (the one with the largest id), a projection.
 *
 * @param length of the texts: a number as of an export without dynamic axes, or any
 */
function clipText(length: number | 'sequence_length'): Uint8Array {
  const mask = Float32Array.from({ length: CLIP_LENGTH ** 2 }, (_, i) =>
    i % CLIP_LENGTH > Math.floor(i / CLIP_LENGTH) ? -1e9 : 0,
  );
  const n = length === 'sequence_length' ? 'batch_size' : 1;
  return onnxModel({
    inputs: ['input_ids', 'attention_mask'].map((name) => ({
      name,
      type: 'int64' as const,
      dims: [n, length],
    })),
    outputs: [{ name: 'text_embeds', type: 'float32', dims: [n, LAYOUT_WIDTH] }],
    constants: [
      filled('tokens', 1, CLIP_VOCABULARY.length, LAYOUT_WIDTH),
      filled('positions', 2, CLIP_LENGTH, LAYOUT_WIDTH),
      filled('q', 3, LAYOUT_WIDTH, LAYOUT_WIDTH),
      filled('v', 4, LAYOUT_WIDTH, LAYOUT_WIDTH),
      filled('projection', 5, LAYOUT_WIDTH, LAYOUT_WIDTH),
      { name: 'one', dims: [LAYOUT_WIDTH], values: new Float32Array(LAYOUT_WIDTH).fill(1) },
      { name: 'causal', dims: [CLIP_LENGTH, CLIP_LENGTH], values: mask },
      { name: 'quick', dims: [1], values: Float32Array.of(1.702) },
      integers('zero', 0),
      integers('first', 1),
      integers('last', 2),
      integers('both', 0, 1),
      integers('zeros', 0, 0),
      integers('shape', 1, 1, LAYOUT_WIDTH),
    ],
    nodes: [
      op('Gather', ['tokens', 'input_ids'], 'embedded'),
      op('Shape', ['input_ids'], 'size', { start: 1, end: 2 }),
      op('Slice', ['positions', 'zero', 'size', 'zero'], 'places'),
      op('Add', ['embedded', 'places'], 'x'),
      op('Concat', ['size', 'size'], 'square', { axis: 0 }),
      op('Slice', ['causal', 'zeros', 'square', 'both'], 'mask'),
      op('MatMul', ['x', 'q'], 'queries'),
      op('Transpose', ['x'], 'keys', { perm: [0, 2, 1] }),
      op('MatMul', ['queries', 'keys'], 'scores'),
      op('Add', ['scores', 'mask'], 'masked'),
      op('Softmax', ['masked'], 'attention', { axis: -1 }),
      op('MatMul', ['x', 'v'], 'values'),
      op('MatMul', ['attention', 'values'], 'attended'),
      op('Mul', ['attended', 'quick'], 'scaled'),
      op('Sigmoid', ['scaled'], 'gate'),
      op('Mul', ['attended', 'gate'], 'activated'),
      op('Add', ['x', 'activated'], 'sum'),
      op('LayerNormalization', ['sum', 'one'], 'normal', { axis: -1 }),
      op('ArgMax', ['input_ids'], 'end', { axis: -1, keepdims: 1 }),
      op('Unsqueeze', ['end', 'last'], 'end3'),
      op('Expand', ['end3', 'shape'], 'index'),
      op('GatherElements', ['normal', 'index'], 'pooled3', { axis: 1 }),
      op('Squeeze', ['pooled3', 'first'], 'pooled'),
      op('MatMul', ['pooled', 'projection'], 'text_embeds'),
    ],
  });
}

const CLIP_FILES: ModelFiles = {
  'config.json': {
    architectures: ['CLIPModel'],
    model_type: 'clip',
    projection_dim: LAYOUT_WIDTH,
    text_config: { model_type: 'clip_text_model', bos_token_id: 0, eos_token_id: 2 },
    vision_config: { model_type: 'clip_vision_model' },
  },
  'preprocessor_config.json': {
    crop_size: { height: 224, width: 224 },
    do_center_crop: true,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: CLIP_MEAN,
    image_processor_type: 'CLIPFeatureExtractor',
    image_std: CLIP_STD,
    resample: 3,
    rescale_factor: 0.00392156862745098,
    size: { shortest_edge: 224 },
  },
  'tokenizer.json': CLIP_TOKENIZER,
  'tokenizer_config.json': {
    add_prefix_space: false,
    do_lower_case: true,
    model_max_length: CLIP_LENGTH,
    pad_token: END,
    tokenizer_class: 'CLIPTokenizer',
    unk_token: { content: END, single_word: false, lstrip: false, rstrip: false, normalized: true },
  },
};

export const CLIP_LAYOUT: ModelFiles = {
  ...CLIP_FILES,
  'onnx/vision_model.onnx': vision('image_embeds', ['last_hidden_state'], 'batch_size'),
  'onnx/text_model.onnx': clipText('sequence_length'),
};

/** The same exported for one input at once and texts of one length. */
export const CLIP_FIXED: ModelFiles = {
  ...CLIP_FILES,
  'onnx/vision_model.onnx': vision('image_embeds', [], 1),
  'onnx/text_model.onnx': clipText(CLIP_LENGTH),
};
