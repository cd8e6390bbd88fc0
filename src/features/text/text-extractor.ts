import type { TensorBackend } from '../../platform/tensor-backend.js';
import type { ExtractorInfo } from '../types.js';
import { joinUnit } from '../vectors.js';
import { hashedNgrams, type Informativeness, NGRAM_DIMENSION } from './ngrams.js';
import { normaliseText } from './normalise.js';
import type { PieceTokenizer, Tokens } from './sentencepiece.js';
import { USE_DIMENSION, UseLite } from './use-lite.js';

export const TEXT_EXTRACTOR: ExtractorInfo = {
  id: 'use-lite+ngrams@1',
  modality: 'TEXT',
  dimension: USE_DIMENSION + NGRAM_DIMENSION,
  description:
    'Universal Sentence Encoder lite (English) joined with hashed character n-grams (any language)',
};

// Measured on captions in four languages, see docs/decisions/0004-features.md.
/** Share of the sentence encoder in a comparison of two English texts. */
const SENTENCE_WEIGHT = 0.5;
/** Log probability per character of text that is no English, and of text that surely is. */
const FOREIGN_SCORE = -5;
const ENGLISH_SCORE = -3.5;
/** Log probability of words that tell next to nothing (`the`, `with`), and of those that tell most. */
const COMMON_WORD = -4;
const RARE_WORD = -10;
const LEAST_INFORMATIVE = 0.1;

const NO_SENTENCE = new Float32Array(USE_DIMENSION);

/** Texts to features: what the sentence encoder understands of them, and what they are spelt like. */
export class TextExtractor {
  private constructor(
    private readonly use: UseLite,
    private readonly informativeness: Informativeness,
  ) {}

  static async load(backend: TensorBackend): Promise<TextExtractor> {
    const use = await UseLite.load(backend);
    return new TextExtractor(use, informativenessBy(use.tokenizer));
  }

  /** [dimension] of unit length for each text, in order; the same whatever a text is batched with. */
  async extract(texts: readonly string[]): Promise<Float32Array[]> {
    const read = texts.map(normaliseText);
    // Lower case, because queries are typed in any case, and the encoder was shown little in capitals.
    const tokens = read.map((text) => this.use.tokenizer.encode(text.toLowerCase()));
    const ngrams = read.map((text) => hashedNgrams(text, this.informativeness));
    // What is neither letter, digit nor emoji has no n-grams, and only the sentence encoder to speak for it.
    const weights = tokens.map((of, i) =>
      ngrams[i]?.some((x) => x !== 0) ? SENTENCE_WEIGHT * englishness(of) : 1,
    );
    const sentences = await this.sentences(tokens, weights);
    return ngrams.map((part, i) => {
      const weight = weights[i] ?? 0;
      return joinUnit([
        { part: sentences[i] ?? NO_SENTENCE, weight },
        { part, weight: 1 - weight },
      ]);
    });
  }

  dispose(): void {
    this.use.dispose();
  }

  /** Only of texts in which it weighs anything: a catalogue in Chinese need not wait for an English network. */
  private async sentences(tokens: readonly Tokens[], weights: readonly number[]): Promise<Float32Array[]> {
    const read = tokens.flatMap((_, i) => (weights[i] === 0 ? [] : [i]));
    const embedded = await this.use.embed(read.map((i) => tokens[i] as Tokens));
    const out: Float32Array[] = tokens.map(() => NO_SENTENCE);
    read.forEach((index, i) => {
      out[index] = embedded[i] ?? NO_SENTENCE;
    });
    return out;
  }
}

/**
 * 0 for text that the sentence encoder cannot read, 1 for plain English: by how probable its vocabulary finds the text.
 * Chinese is all unknown to it; French falls into many short pieces and lies between.
 */
function englishness(tokens: Tokens): number {
  return clamp((tokens.score - FOREIGN_SCORE) / (ENGLISH_SCORE - FOREIGN_SCORE), 0);
}

function informativenessBy(tokenizer: PieceTokenizer): Informativeness {
  return (word) =>
    clamp((tokenizer.wordScore(word) - COMMON_WORD) / (RARE_WORD - COMMON_WORD), LEAST_INFORMATIVE);
}

function clamp(x: number, least: number): number {
  return Math.min(1, Math.max(least, x));
}
