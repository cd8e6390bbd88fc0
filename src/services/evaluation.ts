import type { JsonObject } from '../catalog/types.js';
import type { RetrievalMetrics } from '../domain/metric-values.js';
import { evaluateRetrieval, type RetrievalReport, type RetrievalSide } from '../domain/metrics.js';
import type { Modality } from '../domain/modality.js';
import type { Encoder, Matrix } from '../encoder/types.js';
import type { ClassificationFigures } from './classification-figures.js';
import { gather, type PairTable, rowOf } from './source-set.js';

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
  const sides = distinctSides(table);
  const ours = evaluateWith(encoder, sides);
  const baseline = evaluateWith(cca, sides);
  const count = { images: sides.IMAGE.features.rows, texts: sides.TEXT.features.rows };
  return {
    ...figures(count, ours.imageToText.metrics, ours.textToImage.metrics, ours.mean),
    chance: figures(count, ours.imageToText.chance, ours.textToImage.chance, ours.chance),
    cca: figures(count, baseline.imageToText.metrics, baseline.textToImage.metrics, baseline.mean),
  };
}

interface Side {
  readonly features: Matrix;
  readonly ids: readonly string[];
  readonly classes: Int32Array;
  readonly pairs: Int32Array;
}

/** A picture with several captions stands in several pairs, but is one query and one item of the gallery. */
function distinctSides(table: PairTable): Readonly<Record<Modality, Side>> {
  const classNumbers = numbering(table.classOf.map((row) => row?.id ?? null));
  const pairNumbers = numbering(table.pairs.map((pair) => pair.pairId));
  const side = (ids: readonly string[], features: Matrix): Side => {
    const first = new Map<string, number>();
    ids.forEach((id, row) => {
      if (!first.has(id)) first.set(id, row);
    });
    const rows = [...first.values()];
    return {
      features: gather(rows.map((row) => rowOf(features, row))),
      ids: [...first.keys()],
      classes: Int32Array.from(rows, (row) => classNumbers[row] ?? -1),
      pairs: Int32Array.from(rows, (row) => pairNumbers[row] ?? -1),
    };
  };
  return {
    IMAGE: side(
      table.pairs.map((pair) => pair.imageId),
      table.image,
    ),
    TEXT: side(
      table.pairs.map((pair) => pair.textId),
      table.text,
    ),
  };
}

function evaluateWith(encoder: Encoder, sides: Readonly<Record<Modality, Side>>): RetrievalReport {
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

/** A number for each distinct key, −1 for null. */
function numbering(keys: readonly (string | null)[]): number[] {
  const numbers = new Map<string, number>();
  return keys.map((key) => {
    if (key === null) return -1;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}
