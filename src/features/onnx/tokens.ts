import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { badModel, readJsonFile, reason } from '../model-files.js';
import type { ModelFolder } from './model-folder.js';
import { loadTokenizers } from './packages.js';

const TOKENIZER = 'tokenizer.json';
const SETTINGS = 'tokenizer_config.json';
const PROMPTS = 'config_sentence_transformers.json';
/** Tokens of a text at most, even where the model reads more: attention takes memory by their square. */
const MOST_TOKENS = 512;
/** Characters that are tokenised: more never fit into MOST_TOKENS. */
const MOST_CHARACTERS = 8192;
/** Models that were trained on texts padded to their full length, without a mask. */
const PADDED = ['siglip', 'siglip2', 'siglip_text_model'];
const PADDED_LENGTH = 64;

const tokenizerSchema = z.looseObject({
  truncation: z.looseObject({ max_length: z.int().positive() }).nullish(),
});
const settingsSchema = z.looseObject({
  model_max_length: z.number().positive().nullish(),
  pad_token: z.union([z.string(), z.looseObject({ content: z.string() })]).nullish(),
});
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).nullish(),
  default_prompt_name: z.string().nullish(),
});

/** The tokens of a text: at least one id, at most the model's length, special tokens included. */
export interface Encoded {
  readonly ids: readonly number[];
  /** How many of the ids the model attends to; those after them only fill its length. */
  readonly counted: number;
}

/** Turns texts into the token ids of a model. */
export interface Tokens {
  encode(text: string): Encoded;
}

/**
 * @param fixed how many tokens the graph takes; null: any number
 * @throws CommonspaceError BAD_MODEL that names the file; PACKAGE_MISSING
 */
export async function loadTokens({ folder, config }: ModelFolder, fixed: number | null): Promise<Tokens> {
  const json = parse(folder, TOKENIZER, tokenizerSchema);
  const settings = parse(folder, SETTINGS, settingsSchema);
  const prompt = readPrompt(folder);
  const { Tokenizer } = await loadTokenizers();
  let tokenizer: Tokenizer;
  try {
    tokenizer = new Tokenizer(json, settings);
  } catch (error) {
    throw badModel(join(folder, TOKENIZER), `cannot be used: ${reason(error)}`, error);
  }
  const most = Math.min(
    MOST_TOKENS,
    ...[
      fixed,
      json.truncation?.max_length,
      settings.model_max_length,
      config.max_position_embeddings,
      config.text_config?.max_position_embeddings,
    ].filter((limit) => limit != null),
  );
  const padToken = typeof settings.pad_token === 'object' ? settings.pad_token?.content : settings.pad_token;
  const pad =
    (padToken != null ? tokenizer.token_to_id(padToken) : undefined) ?? config.text_config?.pad_token_id ?? 0;
  const readsPadding = PADDED.includes(config.model_type ?? '');
  const trained = config.text_config?.max_position_embeddings ?? PADDED_LENGTH;
  const length = fixed ?? (readsPadding ? Math.min(most, trained) : null);
  return {
    encode(text) {
      const found = truncated(
        tokenizer,
        prompt + text.slice(0, MOST_CHARACTERS),
        Math.min(most, length ?? most),
      );
      const own = found.length === 0 ? [pad] : found;
      const ids = length === null ? own : [...own, ...new Array<number>(length - own.length).fill(pad)];
      return { ids, counted: readsPadding ? ids.length : own.length };
    },
  };
}

/** Cuts the text's own tokens and keeps the special ones around them: CLIP reads its feature at the end token. */
function truncated(tokenizer: Tokenizer, text: string, most: number): number[] {
  const { ids } = tokenizer.encode(text);
  if (ids.length <= most) return ids;
  const own = tokenizer.encode(text, { add_special_tokens: false }).ids;
  const before = startOf(own, ids);
  const after = ids.slice(before + own.length);
  const room = Math.max(0, most - before - after.length);
  return [...ids.slice(0, before), ...own.slice(0, room), ...after].slice(0, most);
}

/** Where `part` begins in `whole`. */
function startOf(part: readonly number[], whole: readonly number[]): number {
  for (let at = 0; at + part.length <= whole.length; at += 1) {
    if (part.every((id, i) => whole[at + i] === id)) return at;
  }
  return 0;
}

/** The prefix that the model's files declare for every text, e.g. `query: `; empty without one. */
function readPrompt(folder: string): string {
  if (!existsSync(join(folder, PROMPTS))) return '';
  const { prompts, default_prompt_name: name } = parse(folder, PROMPTS, promptsSchema);
  return name == null ? '' : (prompts?.[name] ?? '');
}

function parse<T>(folder: string, name: string, schema: z.ZodType<T>): T {
  const file = join(folder, name);
  const parsed = schema.safeParse(readJsonFile(file));
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.map(String) ?? [];
  throw badModel(file, `${path.join('.') || 'the object'} is malformed`, undefined, [name, ...path]);
}
