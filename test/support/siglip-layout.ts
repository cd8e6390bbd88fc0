/** A model in the layout of SigLIP as it is published for @huggingface/transformers, as clip-layout.ts for CLIP. */
import { integers, LAYOUT_WIDTH, op, special, vision, wave } from './layout-parts.js';
import { onnxModel } from './onnx.js';
import type { ModelFiles } from './tiny-onnx.js';

/** Tokens of every text. */
export const SIGLIP_LENGTH = 64;

/** The text of a word begins with ▁, as SentencePiece writes a space. */
export const SIGLIP_PIECES = ['<pad>', '</s>', '<unk>', '▁', '▁a', '▁red', '▁cat', '▁ca', 't', 's'] as const;
export const SIGLIP_TABLE = Float32Array.from({ length: SIGLIP_PIECES.length * LAYOUT_WIDTH }, wave(7));

/** Pieces with scores, lower case, no punctuation, an end token after the text and in place of padding: as Google's SigLIP. */
const SIGLIP_TOKENIZER = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [special('</s>', 1, true), special('<unk>', 2, true)],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Lowercase' },
      { type: 'Replace', pattern: { Regex: '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]' }, content: '' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Strip', strip_left: true, strip_right: true },
    ],
  },
  pre_tokenizer: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [],
    special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
  },
  decoder: { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
  model: {
    type: 'Unigram',
    unk_id: 2,
    vocab: SIGLIP_PIECES.map((piece, i) => [piece, i < 3 ? 0 : -1 - i / 10]),
    byte_fallback: false,
  },
};

export const SIGLIP_LAYOUT: ModelFiles = {
  'config.json': {
    architectures: ['SiglipModel'],
    model_type: 'siglip',
    text_config: { model_type: 'siglip_text_model' },
    vision_config: { model_type: 'siglip_vision_model' },
  },
  'preprocessor_config.json': {
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: [0.5, 0.5, 0.5],
    image_processor_type: 'SiglipImageProcessor',
    image_std: [0.5, 0.5, 0.5],
    resample: 3,
    rescale_factor: 0.00392156862745098,
    size: { height: 224, width: 224 },
  },
  'tokenizer.json': SIGLIP_TOKENIZER,
  'tokenizer_config.json': {
    do_lower_case: true,
    eos_token: '</s>',
    model_input_names: ['input_ids'],
    model_max_length: SIGLIP_LENGTH,
    pad_token: '</s>',
    tokenizer_class: 'SiglipTokenizer',
    unk_token: '<unk>',
  },
  'onnx/vision_model.onnx': vision('pooler_output', ['last_hidden_state'], 'batch_size'),
  'onnx/text_model.onnx': onnxModel({
    inputs: [{ name: 'input_ids', type: 'int64', dims: ['batch_size', 'sequence_length'] }],
    outputs: [
      { name: 'last_hidden_state', type: 'float32', dims: ['batch_size', 'sequence_length', LAYOUT_WIDTH] },
      { name: 'pooler_output', type: 'float32', dims: ['batch_size', LAYOUT_WIDTH] },
    ],
    constants: [
      { name: 'table', dims: [SIGLIP_PIECES.length, LAYOUT_WIDTH], values: SIGLIP_TABLE },
      integers('axis', 1),
    ],
    nodes: [
      op('Gather', ['table', 'input_ids'], 'last_hidden_state'),
      op('ReduceSum', ['last_hidden_state', 'axis'], 'pooler_output', { keepdims: 0 }),
    ],
  }),
};
