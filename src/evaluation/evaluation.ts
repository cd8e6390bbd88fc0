import type { JsonObject } from '../catalog/types.js';
import type { RetrievalMetrics } from '../domain/metric-values.js';
import { evaluateRetrieval, type RetrievalReport, type RetrievalSide } from '../domain/metrics.js';
import type { Modality } from '../domain/modality.js';
import type { Encoder } from '../encoder/types.js';
import type { ClassificationFigures } from './classification-figures.js';
import { type MeasuredPart, partOfTable } from './measured-part.js';
import type { PairTable } from './source-set.js';

/** What retrieval on some held-out pairs came to; figures are 0 to 1, null where nothing could be counted. */
export interface RetrievalFigures extends JsonObject {
  /** Distinct images and texts that took part; each is a query, and all of the other modality are its gallery. */
  readonly images: number;
  readonly texts: number;
  /** map@all, relevance = same class. */
  readonly i2t_map: number | null;
  readonly t2i_map: number | null;
  /** Share of queries with their exact counterpart first, or among the first ten; mean of both directions. */
  readonly 'recall@1': number | null;
  readonly 'recall@10': number | null;
  /** The same, each direction by itself. */
  readonly 'i2t_recall@1': number | null;
  readonly 't2i_recall@1': number | null;
  readonly 'i2t_recall@10': number | null;
  readonly 't2i_recall@10': number | null;
}

/** The encoder's figures with chance and CCA on the very same rows beside them. */
export interface ComparedFigures extends RetrievalFigures {
  readonly chance: RetrievalFigures;
  readonly cca: RetrievalFigures;
}

/** Null where no pairs were held out. `chance` is that of the seen classes' rows, or of the unseen ones' without those. */
export interface HeldOutRetrieval extends JsonObject {
  readonly seen: ComparedFigures | null;
  readonly unseen: ComparedFigures | null;
  readonly chance: RetrievalFigures | null;
}

export interface HeldOutReport extends HeldOutRetrieval {
  /** How well held-out items are classified. */
  readonly classification: ClassificationFigures | null;
}

/**
 * Retrieval by CONTENT alone on held-out pairs, those of seen and of unseen classes apart: within each, every image and
 * text is a query, and the gallery is the other side of the same pairs.
 */
export function compareOn(
  held: { readonly seen: PairTable; readonly unseen: PairTable },
  encoder: Encoder,
  cca: Encoder,
): HeldOutRetrieval {
  const seen = compare(held.seen, encoder, cca);
  const unseen = compare(held.unseen, encoder, cca);
  return { seen, unseen, chance: seen?.chance ?? unseen?.chance ?? null };
}

function compare(table: PairTable, encoder: Encoder, cca: Encoder): ComparedFigures | null {
  // One pair alone is always found.
  if (table.pairs.length < 2) return null;
  const sides = partOfTable(table).sides;
  const ours = evaluateWith(encoder, sides);
  const baseline = evaluateWith(cca, sides);
  const count = { images: sides.IMAGE.features.rows, texts: sides.TEXT.features.rows };
  return {
    ...figures(count, ours.imageToText.metrics, ours.textToImage.metrics, ours.mean),
    chance: figures(count, ours.imageToText.chance, ours.textToImage.chance, ours.chance),
    cca: figures(count, baseline.imageToText.metrics, baseline.textToImage.metrics, baseline.mean),
  };
}

/** Retrieval on the pairs of a table; null where there are too few to tell anything. */
export function retrievalOn(table: PairTable, encoder: Encoder): RetrievalReport | null {
  return table.pairs.length < 2 ? null : evaluateWith(encoder, partOfTable(table).sides);
}

function evaluateWith(encoder: Encoder, sides: MeasuredPart['sides']): RetrievalReport {
  const embed = (modality: Modality): RetrievalSide => {
    const { features, ...rest } = sides[modality];
    return { ...rest, embeddings: encoder.embedMany(modality, features) };
  };
  return evaluateRetrieval(embed('IMAGE'), embed('TEXT'));
}

function figures(
  count: { readonly images: number; readonly texts: number },
  imageToText: RetrievalMetrics,
  textToImage: RetrievalMetrics,
  mean: RetrievalMetrics,
): RetrievalFigures {
  return {
    ...count,
    i2t_map: imageToText.map,
    t2i_map: textToImage.map,
    'recall@1': mean.recall[1],
    'recall@10': mean.recall[10],
    'i2t_recall@1': imageToText.recall[1],
    't2i_recall@1': textToImage.recall[1],
    'i2t_recall@10': imageToText.recall[10],
    't2i_recall@10': textToImage.recall[10],
  };
}
