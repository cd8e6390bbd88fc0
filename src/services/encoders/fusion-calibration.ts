import type { Catalog } from '../../catalog/catalog.js';
import type { TrainedEncoderRow } from '../../catalog/types.js';
import { throwIfCancelled } from '../../domain/errors.js';
import { type FusionCoefficients, SHIPPED_COEFFICIENTS } from '../../domain/fusion.js';
import { createRandom, shuffle } from '../../encoder/math/random.js';
import { type FusionSample, fitWithoutCounterpart } from '../../evaluation/fit-fusion.js';
import type { PairTable } from '../../evaluation/pair-table.js';
import type { OpenTextExtractor } from '../../features/types.js';
import { borrowedSimilarity, LENDERS } from '../search/borrowed-captions.js';
import { candidatesOfOnePart, collectEvidence } from '../search/evidence-table.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';
import type { TextExtractors } from '../serving/extractors-in-use.js';
import type { Checkpoints } from './checkpoints.js';
import { shortForms } from './short-forms.js';
import { storedSplitOfEncoder } from './training-pairs.js';

/** With fewer held-out pairs a fit is worse than the shipped coefficients. */
const LEAST_CALIBRATION_PAIRS = 100;
/** Rows of each held-out part at most: their captions are hidden, so fewer would give fewer samples. */
const MOST_HELD_OUT = 20_000;
/** Queries at most, and of one caption. */
const MOST_QUERIES = 300;
const QUERIES_OF_A_CAPTION = 2;
const EXTRACTED_AT_ONCE = 64;
/** A stream of random numbers of its own. */
const STREAM = 2_000_000;

export interface CalibrationHooks {
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

export interface Calibration {
  /** The coefficients for text queries; null if the shipped ones stay. */
  readonly coefficients: FusionCoefficients | null;
  readonly pairs: number;
  readonly queries: number;
  /** Why the shipped ones stay; null if they do not. */
  readonly reason: string | null;
}

interface Query {
  readonly text: string;
  readonly pairId: string;
}

/**
 * Fits how searches by text score pictures without a caption, on pairs that the encoder was not trained on: their captions give
 * queries of one to three words, and are hidden from half of their pictures. The formula for captioned pictures stays as it
 * is, because fitting it on a catalogue's own captions makes searches worse.
 */
export class FusionCalibration {
  constructor(
    private readonly catalog: Catalog,
    private readonly texts: TextExtractors,
    private readonly checkpoints: Checkpoints,
    private readonly leastPairs = LEAST_CALIBRATION_PAIRS,
  ) {}

  /**
   * Fits and stores the coefficients of an encoder that has embedded the catalogue.
   *
   * @throws CommonspaceError CANCELLED, EXTRACTOR_MISSING
   */
  async calibrate(loaded: LoadedEncoder, hooks: CalibrationHooks = {}): Promise<Calibration> {
    const { row } = loaded;
    const split = await this.checkpoints.withFolder(row.id, (folder) =>
      storedSplitOfEncoder(this.catalog, row, null, { folder, signal: hooks.signal, most: MOST_HELD_OUT }),
    );
    const pairs = [...split.seen.pairs, ...split.unseen.pairs];
    const pairIds = [...new Set(pairs.map(({ pairId }) => pairId))];
    if (pairIds.length < this.leastPairs) {
      const reason = `${pairIds.length} pairs are held out; ${this.leastPairs} are needed.`;
      return await this.keep(row, { coefficients: null, pairs: pairIds.length, queries: 0, reason });
    }
    const random = createRandom(row.config.seed ?? 0, STREAM);
    const hidden = new Set(
      [...shuffle(Int32Array.from(pairIds.keys()), random)]
        .slice(0, Math.floor(pairIds.length / 2))
        .map((i) => pairIds[i] as string),
    );
    const queries = await this.queriesOf(pairs, row.config.seed ?? 0);
    const samples = await this.samplesOf(loaded, await this.texts.of(row), queries, { pairs, hidden }, hooks);
    const coefficients = await fitWithoutCounterpart(samples, SHIPPED_COEFFICIENTS.TEXT);
    return await this.keep(row, {
      coefficients,
      pairs: pairIds.length,
      queries: queries.length,
      reason:
        coefficients === null ? 'A fit is no better on held-out pairs than the shipped coefficients.' : null,
    });
  }

  private async keep(row: TrainedEncoderRow, calibration: Calibration): Promise<Calibration> {
    const { coefficients } = calibration;
    await this.catalog.encoders.keepFusion(row.id, coefficients === null ? {} : { TEXT: coefficients });
    return calibration;
  }

  /** Short forms of the captions, in a random order, at most MOST_QUERIES. */
  private async queriesOf(pairs: PairTable['pairs'], seed: number): Promise<readonly Query[]> {
    const pairOf = new Map(pairs.map(({ textId, pairId }) => [textId, pairId]));
    const items = await this.catalog.items.byIds([...pairOf.keys()]);
    const queries = items.flatMap((item) => {
      if (item.modality !== 'TEXT') return [];
      const random = createRandom(seed, Number.parseInt(item.contentHash.slice(0, 8), 16));
      return shortForms(item.text, QUERIES_OF_A_CAPTION, random).map((text) => ({
        text,
        pairId: pairOf.get(item.id) ?? '',
      }));
    });
    const order = shuffle(Int32Array.from(queries.keys()), createRandom(seed, STREAM + 1));
    return [...order].slice(0, MOST_QUERIES).map((i) => queries[i] as Query);
  }

  private async samplesOf(
    loaded: LoadedEncoder,
    extractor: OpenTextExtractor,
    queries: readonly Query[],
    held: { readonly pairs: PairTable['pairs']; readonly hidden: ReadonlySet<string> },
    { onProgress, signal }: CalibrationHooks,
  ): Promise<FusionSample[]> {
    const hiddenPair = new Map(
      held.pairs.flatMap(({ imageId, pairId }) =>
        held.hidden.has(pairId) ? [[imageId, pairId] as const] : [],
      ),
    );
    const samples: FusionSample[] = [];
    for (let start = 0; start < queries.length; start += EXTRACTED_AT_ONCE) {
      throwIfCancelled(signal);
      const batch = queries.slice(start, start + EXTRACTED_AT_ONCE);
      const vectors = await extractor.extract(
        batch.map(({ text }) => text),
        { background: true, signal },
      );
      for (const [i, query] of batch.entries()) {
        throwIfCancelled(signal);
        samples.push(...(await this.samplesOfQuery(loaded, query, vectors[i] as Float32Array, hiddenPair)));
      }
      onProgress?.(start + batch.length, queries.length);
    }
    return samples;
  }

  /** The hidden pictures among the candidates of a query, as if they had no caption. */
  private async samplesOfQuery(
    { row, encoder }: LoadedEncoder,
    { text, pairId }: Query,
    feature: Float32Array,
    hiddenPair: ReadonlyMap<string, string>,
  ): Promise<FusionSample[]> {
    const scope = { target: 'IMAGE', filter: null } as const;
    const vector = encoder.embed('TEXT', feature);
    const part = {
      weight: 1,
      counterpart: { ...scope, extractor: row.textExtractor, vector: feature, queryModality: 'TEXT' },
      words: await this.catalog.words.expand(text),
      coefficients: SHIPPED_COEFFICIENTS.TEXT,
    } as const;
    const table = await collectEvidence(this.catalog, {
      ...scope,
      content: { ...scope, encoderId: row.id, vector },
      parts: [part],
      evidence: new Set(['CONTENT', 'COUNTERPART', 'LEXICAL']),
      fusion: null,
      threshold: null,
    });
    const candidates = candidatesOfOnePart(table);
    const visible = candidates.filter(({ id }) => !hiddenPair.has(id));
    const captioned = visible
      .filter(({ similarities }) => similarities.COUNTERPART !== undefined)
      .sort((a, b) => (b.similarities.COUNTERPART ?? 0) - (a.similarities.COUNTERPART ?? 0))
      .slice(0, LENDERS);
    const hidden = candidates.filter(({ id }) => hiddenPair.has(id));
    if (captioned.length === 0 || hidden.length === 0) return [];
    const embeddings = await this.catalog.vectors.embeddingsByIds(
      row.id,
      [...captioned, ...hidden].map(({ id }) => id),
    );
    const lenders = captioned.flatMap(({ id, similarities }) => {
      const embedding = embeddings.get(id);
      return embedding === undefined ? [] : [{ embedding, similarity: similarities.COUNTERPART ?? 0 }];
    });
    const best = (evidence: 'COUNTERPART' | 'LEXICAL') =>
      Math.max(0, ...visible.map(({ similarities }) => similarities[evidence] ?? 0));
    const bests = { counterpartBest: best('COUNTERPART'), lexicalBest: best('LEXICAL') };
    return hidden.flatMap(({ id, similarities: { CONTENT: content } }) => {
      const embedding = embeddings.get(id);
      if (embedding === undefined || content === undefined || lenders.length === 0) return [];
      const borrowed = borrowedSimilarity(embedding, lenders);
      return [{ ...bests, content, borrowed, relevant: hiddenPair.get(id) === pairId, group: pairId }];
    });
  }
}
