/** Vocabulary of a SentencePiece unigram model: pieces with their log probabilities. A piece's id is its index. */
export type PieceVocabulary = readonly (readonly [piece: string, score: number])[];

/** Tokens of a text, and its probability under the vocabulary's language model. */
export interface Tokens {
  readonly ids: Int32Array;
  /** Log probability per character, without word marks; at most 0, and 0 for a text without characters. */
  readonly score: number;
}

/** Id of characters that the vocabulary does not contain. */
export const UNKNOWN_TOKEN = 0;
/** `<unk>`, `<s>`, `</s>` and three unused tokens, which text never produces. */
const RESERVED_TOKENS = 6;
/** Precedes every word and replaces the space. */
const WORD_MARK = '\u2581';
/** In SentencePiece, the score of an unknown character is this much below that of the least likely piece. */
const UNKNOWN_PENALTY = 10;

interface TrieNode {
  readonly next: Map<string, TrieNode>;
  /** Id of the piece that ends here, or −1. */
  id: number;
}

/**
 * Splits text into the most probable sequence of pieces (Kudo, ACL 2018: a unigram language model and the Viterbi
 * algorithm), as in the training of the Universal Sentence Encoder lite.
 */
export class PieceTokenizer {
  readonly #root: TrieNode = { next: new Map(), id: -1 };
  readonly #idOf = new Map<string, number>();
  readonly #scores: Float64Array;
  readonly #unknownScore: number;

  constructor(vocabulary: PieceVocabulary) {
    this.#scores = Float64Array.from(vocabulary, ([, score]) => score);
    this.#unknownScore = this.#scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY;
    for (let id = RESERVED_TOKENS; id < vocabulary.length; id += 1)
      this.#insert(vocabulary[id]?.[0] ?? '', id);
  }

  /** Log probability of a word that is a single piece; −∞ for other words. */
  wordScore(word: string): number {
    const id = this.#idOf.get(WORD_MARK + word);
    return id === undefined ? Number.NEGATIVE_INFINITY : (this.#scores[id] as number);
  }

  /**
   * Tokens of a text; empty for white space. Adjacent unknown characters become one unknown token. The time is linear in
   * the length of the text.
   *
   * @param text in NFKC, from `normaliseText`.
   */
  encode(text: string): Tokens {
    const words = text.split(/\s+/u).filter((word) => word !== '');
    const symbols = Array.from(words.map((word) => WORD_MARK + word).join(''));
    const characters = symbols.length - words.length;
    const { ids, score } = this.#best(symbols);
    return { ids: mergeUnknown(ids), score: characters === 0 ? 0 : score / characters };
  }

  #insert(piece: string, id: number): void {
    let node = this.#root;
    for (const symbol of piece) {
      let next = node.next.get(symbol);
      if (next === undefined) {
        next = { next: new Map(), id: -1 };
        node.next.set(symbol, next);
      }
      node = next;
    }
    if (node === this.#root) return;
    node.id = id;
    this.#idOf.set(piece, id);
  }

  /** The most probable path through the text and its log probability. */
  #best(symbols: readonly string[]): { ids: number[]; score: number } {
    const score = new Float64Array(symbols.length + 1).fill(Number.NEGATIVE_INFINITY);
    const id = new Int32Array(symbols.length + 1);
    const from = new Int32Array(symbols.length + 1);
    score[0] = 0;
    const offer = (start: number, end: number, token: number, gain: number): void => {
      const total = (score[start] as number) + gain;
      if (total <= (score[end] as number)) return;
      score[end] = total;
      id[end] = token;
      from[end] = start;
    };
    for (let start = 0; start < symbols.length; start += 1) {
      let node: TrieNode | undefined = this.#root;
      for (let end = start; end < symbols.length; end += 1) {
        node = node.next.get(symbols[end] as string);
        if (node === undefined) break;
        if (node.id >= 0) offer(start, end + 1, node.id, this.#scores[node.id] as number);
      }
      offer(start, start + 1, UNKNOWN_TOKEN, this.#unknownScore);
    }
    const ids: number[] = [];
    for (let end = symbols.length; end > 0; end = from[end] as number) ids.push(id[end] as number);
    return { ids: ids.reverse(), score: score[symbols.length] as number };
  }
}

function mergeUnknown(ids: readonly number[]): Int32Array {
  return Int32Array.from(ids.filter((id, i) => id !== UNKNOWN_TOKEN || ids[i - 1] !== UNKNOWN_TOKEN));
}
