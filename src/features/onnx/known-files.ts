/** Files of a model besides its graphs. An extractor's id covers those that exist. */
export const SETTING_FILES = [
  'config.json',
  'preprocessor_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'modules.json',
  '1_Pooling/config.json',
  'config_sentence_transformers.json',
] as const;

/** Graphs by their names without variant and ending: the towers of a model of two, and the graph of one modality. */
export const TOWERS = ['vision_model', 'text_model'] as const;
export const GRAPH_NAMES = [...TOWERS, 'model'] as const;
