import type { Catalog } from '../../../catalog/catalog.js';
import type { Hit } from '../../../catalog/types.js';
import { EVIDENCES } from '../../../domain/evidence.js';
import { type Candidate, EQUAL_WEIGHTS, fuse } from '../../../domain/fusion.js';
import type { Modality } from '../../../domain/modality.js';
import { fuseByReciprocalRank } from '../../../domain/reciprocal-rank.js';
import { FIRST_RESULTS } from '../../../evaluation/ranking-figures.js';
import { coefficientsFor } from '../../search/coefficients.js';
import { candidatesOfOnePart, collectEvidence } from '../../search/evidence-table.js';
import { planRanking } from '../../search/ranking-plan.js';
import { extractorOf, type LoadedEncoder } from '../../serving/active-encoder.js';
import type { DrawnQuery } from './draw-queries.js';
import type { SearchMethod } from './search-quality-record.js';

/** A query with its vectors, which are the same in every scenario. */
export interface PreparedQuery extends DrawnQuery {
  readonly feature: Float32Array;
  readonly embedding: Float32Array;
}

export interface QueryRanking {
  /** Ids of the first results by each method; empty for evidence that nothing has. */
  readonly first: Readonly<Record<SearchMethod, readonly string[]>>;
  /** The first results by DEFAULT with their scores. */
  readonly scored: readonly { readonly id: string; readonly score: number }[];
  readonly candidates: readonly Candidate[];
}

const NO_WORDS = { units: [] };
const NO_RANKINGS = { counterpart: { hits: [] }, words: { hits: [] } };

/** Runs a query as a search does, and derives the ranking of each method from the evidence that it collects. */
export async function rankQuery(
  catalog: Catalog,
  active: LoadedEncoder,
  query: PreparedQuery,
  target: Modality,
): Promise<QueryRanking> {
  const { modality, text, feature, embedding } = query;
  const words = text === null ? NO_WORDS : await catalog.words.expand(text);
  const searched = text === null ? { itemId: query.item?.row.id ?? '' } : { text };
  const read = { modality, extractor: extractorOf(active.row, modality), feature, embedding, words };
  const plan = planRanking(
    {
      query: searched,
      target,
      by: EVIDENCES,
      filter: null,
      first: FIRST_RESULTS,
      after: null,
      minScore: null,
    },
    [{ query: searched, weight: 1, field: ['query'], read }],
    active,
  );
  const table = await collectEvidence(catalog, plan);
  const candidates = candidatesOfOnePart(table);
  const { content } = table;
  const { counterpart, words: byWords } = table.parts[0] ?? NO_RANKINGS;
  const coefficients = coefficientsFor(modality, active);
  const fused = fuse(candidates, coefficients, plan.fusion ?? EQUAL_WEIGHTS);
  const scored = fused.slice(0, FIRST_RESULTS).map(({ candidate: { id }, score }) => ({ id, score }));
  const reciprocal = fuseByReciprocalRank([
    { evidence: 'CONTENT', hits: content.hits },
    { evidence: 'COUNTERPART', hits: counterpart.hits },
    { evidence: 'LEXICAL', hits: byWords.hits },
  ]);
  return {
    first: {
      CONTENT: idsOf(content.hits),
      COUNTERPART: idsOf(counterpart.hits),
      LEXICAL: idsOf(byWords.hits),
      BORROWED: idsOf(borrowed(candidates)),
      RRF: idsOf(reciprocal),
      DEFAULT: idsOf(scored),
    },
    scored,
    candidates,
  };
}

function borrowed(candidates: readonly Candidate[]): Hit[] {
  return candidates
    .flatMap(({ id, similarities: { BORROWED: similarity } }): Hit[] =>
      similarity === undefined ? [] : [{ id, similarity }],
    )
    .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
}

function idsOf(hits: readonly { readonly id: string }[]): string[] {
  return hits.slice(0, FIRST_RESULTS).map(({ id }) => id);
}
