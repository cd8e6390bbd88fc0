import type { RetrievalSide } from '../domain/metrics.js';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { gather, type Matrix, rowOf } from '../encoder/math/matrix.js';
import type { Encoder } from '../encoder/types.js';
import type { PairTable } from './pair-table.js';

/** Items of one modality: each is a query, and all are the gallery of the other modality. */
interface FeatureSide {
  readonly features: Matrix;
  /** [n]; decides ties, ascending. By default the order of the rows does. */
  readonly ids?: readonly string[];
  /** [n]; index into the part's class names, −1 for none. */
  readonly classes: Int32Array;
  /** [n]; items of one pair share a number. */
  readonly pairs: Int32Array;
}

/** Pairs to measure on. */
export interface MeasuredPart {
  readonly sides: Readonly<Record<Modality, FeatureSide>>;
  readonly classNames: readonly string[];
}

/** Both sides as an encoder embeds them. */
export interface EmbeddedPart {
  readonly image: RetrievalSide;
  readonly text: RetrievalSide;
}

/**
 * The items of a table, each once: an image with several captions is in several rows, but is one query and one gallery item.
 *
 * @returns null for fewer than two rows, where every query finds its counterpart first
 */
export function partOfTable(table: PairTable): MeasuredPart | null {
  if (table.pairs.length < 2) return null;
  const names = new Map<string, number>();
  const classNames: string[] = [];
  const classes = table.classOf.map((row) => {
    if (row === null) return -1;
    const number = names.get(row.id) ?? names.size;
    if (number === names.size) classNames.push(row.name);
    names.set(row.id, number);
    return number;
  });
  const pairNumbers = new Map<string, number>();
  const pairs = table.pairs.map(({ pairId }) => {
    const number = pairNumbers.get(pairId) ?? pairNumbers.size;
    pairNumbers.set(pairId, number);
    return number;
  });
  const side = (ids: readonly string[], features: Matrix): FeatureSide => {
    const first = new Map<string, number>();
    ids.forEach((id, row) => {
      if (!first.has(id)) first.set(id, row);
    });
    const rows = [...first.values()];
    return {
      features: gather(rows.map((row) => rowOf(features, row))),
      ids: [...first.keys()],
      classes: Int32Array.from(rows, (row) => classes[row] ?? -1),
      pairs: Int32Array.from(rows, (row) => pairs[row] ?? -1),
    };
  };
  return {
    sides: {
      IMAGE: side(
        table.pairs.map(({ imageId }) => imageId),
        table.image,
      ),
      TEXT: side(
        table.pairs.map(({ textId }) => textId),
        table.text,
      ),
    },
    classNames,
  };
}

export function embedPart({ sides }: MeasuredPart, encoder: Pick<Encoder, 'embedMany'>): EmbeddedPart {
  const [image, text] = MODALITIES.map((modality): RetrievalSide => {
    const { features, ...rest } = sides[modality];
    return { ...rest, embeddings: encoder.embedMany(modality, features) };
  }) as [RetrievalSide, RetrievalSide];
  return { image, text };
}
