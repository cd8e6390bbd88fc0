import type { TensorBackend } from '../../platform/tensor-backend.js';
import type { TextExtractorInfo } from '../types.js';
import { joinUnit } from '../vectors.js';
import { hashedNgrams, type Informativeness, NGRAM_DIMENSION } from './ngrams.js';
import { normaliseText } from './normalise.js';
import type { PieceTokenizer, Tokens } from './sentencepiece.js';
import { USE_DIMENSION, UseLite } from './use-lite.js';

export const TEXT_EXTRACTOR: TextExtractorInfo = {
  id: 'use-lite+ngrams@1',
  modality: 'TEXT',
  dimension: USE_DIMENSION + NGRAM_DIMENSION,
  description:
    'Universal Sentence Encoder lite (English) joined with hashed character n-grams (any language)',
};

// Measured on captions in four languages, see docs/decisions/0004-features.md.
/** Weight of the sentence encoder in the cosine of two English texts. */
const SENTENCE_WEIGHT = 0.5;
/** Log probability per character: at or below the first a text is not English, at or above the second it is. */
const FOREIGN_SCORE = -5;
const ENGLISH_SCORE = -3.5;
/** Log probability of words with the least information (`the`, `with`), and of those with the most. */
const COMMON_WORD = -4;
const RARE_WORD = -10;
const LEAST_INFORMATIVE = 0.1;

const NO_SENTENCE = new Float32Array(USE_DIMENSION);

/** A text extractor in one thread. */
export interface TextExtractor {
  readonly info: TextExtractorInfo;
  /** [info.dimension] of unit length for each text, in order; independent of the batching. */
  extract(texts: readonly string[]): Promise<Float32Array[]>;
  dispose(): void | Promise<void>;
}

/** The built-in extractor: the meaning by the sentence encoder, the spelling by n-grams. */
export class SentenceNgrams implements TextExtractor {
  readonly info = TEXT_EXTRACTOR;

  private constructor(
    private readonly use: UseLite,
    private readonly informativeness: Informativeness,
  ) {}

  static async load(backend: TensorBackend): Promise<SentenceNgrams> {
    const use = await UseLite.load(backend);
    return new SentenceNgrams(use, informativenessBy(use.tokenizer));
  }

  async extract(texts: readonly string[]): Promise<Float32Array[]> {
    const read = texts.map(normaliseText);
    // Lower case, because queries use any case and the encoder was trained mostly on lower case.
    const tokens = read.map((text) => this.use.tokenizer.encode(text.toLowerCase()));
    const ngrams = read.map((text) => hashedNgrams(text, this.informativeness));
    // A text without letters, digits and emoji has no n-grams, so the sentence encoder has the whole weight.
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

  /** Runs the English network only on texts in which its weight is not 0, e.g. not on Chinese. */
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
 * How well the sentence encoder can read a text, by the text's probability under its vocabulary: 0 for Chinese, whose
 * characters are unknown, 1 for English, between them for French, which splits into many short pieces.
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
