/**
 * The analysis of a common space: pure arithmetic on embedded sides. It takes a few seconds for some thousand items, so it
 * belongs in a worker thread. Of a large set it draws a sample by the seed. docs/evaluation.md has the formulas.
 */
import type { Method } from '../../domain/evaluation-record.js';
import { mean } from '../../domain/metric-values.js';
import type { RetrievalSide } from '../../domain/metrics.js';
import { chanceMetrics } from '../../domain/metrics-chance.js';
import { createRandom, shuffle } from '../../encoder/math/random.js';
import { confusions } from './confusions.js';
import { modalityGap } from './modality-gap.js';
import { type Prediction, toPredictions } from './predictions.js';
import { bestAndWorst } from './query-examples.js';
import { similarityHistograms } from './similarity-histograms.js';
import type { ClassDetails, Direction, MethodCurve, SpaceDetails } from './space-details.js';
import { spaceMap } from './space-map.js';
import { RECALL_LEVELS, type Walk, walkQueries } from './walk-queries.js';

interface Sides {
  readonly image: RetrievalSide;
  readonly text: RetrievalSide;
}

export interface SpaceInput extends Sides {
  /** The name of the set, as in the table. */
  readonly set: string;
  /** The method whose space is analysed. */
  readonly method: Method;
  /** The name of each class number. */
  readonly classNames: readonly string[];
  /** The class numbers of the training set. */
  readonly seenClasses: ReadonlySet<number>;
  /** Other methods on the same rows, for their curves. */
  readonly others: readonly (Sides & { readonly method: Method })[];
  readonly seed: number;
}

export interface SpaceDescription {
  readonly details: SpaceDetails;
  /** Of every query: image → text first, in the order of the rows. */
  readonly predictions: readonly Prediction[];
}

/** Results to keep of each query. */
const DEPTH = 10;
/** The most queries of a direction for the curve of another method. */
const MAX_CURVE_QUERIES = 2000;
const DIRECTIONS = ['i2t', 't2i'] as const;

/** @throws RangeError if the sides differ in dimensions */
export function describeSpace(input: SpaceInput): SpaceDescription {
  const { image, text, seed } = input;
  if (image.embeddings.columns !== text.embeddings.columns) {
    throw new RangeError(
      `images have ${image.embeddings.columns} dimensions, texts ${text.embeddings.columns}`,
    );
  }
  const walks = {
    i2t: walkQueries(image, text, DEPTH),
    t2i: walkQueries(text, image, DEPTH),
  };
  const examples = bestAndWorst(input, walks);
  return {
    details: {
      set: input.set,
      images: image.embeddings.rows,
      texts: text.embeddings.rows,
      curves: curves(input, walks),
      perClass: perClass(input, walks),
      similarities: similarityHistograms(image, text, seed),
      gap: modalityGap(image, text, seed),
      map: spaceMap(image, text, input.classNames, seed),
      ...examples,
    },
    predictions: DIRECTIONS.flatMap((direction) => toPredictions(input, direction, walks[direction])),
  };
}

function curves(input: SpaceInput, walks: Readonly<Record<Direction, Walk>>): MethodCurve[] {
  return DIRECTIONS.flatMap((direction) => {
    const own = walks[direction];
    if (own.precision === null || own.chance === null) return [];
    const others = input.others.flatMap(({ method, image, text }) => {
      const [queries, gallery] = direction === 'i2t' ? [image, text] : [text, image];
      const { precision } = walkQueries(queries, gallery, 0, curveQueries(queries, input.seed));
      return precision === null ? [] : [{ method, precision }];
    });
    const chance = { method: 'chance' as const, precision: RECALL_LEVELS.map(() => own.chance as number) };
    return [{ method: input.method, precision: own.precision }, ...others, chance].map(
      ({ method, precision }) => ({ method, direction, recall: RECALL_LEVELS, precision }),
    );
  });
}

function curveQueries({ embeddings: { rows } }: RetrievalSide, seed: number): Int32Array {
  const all = Int32Array.from({ length: rows }, (_, i) => i);
  return rows <= MAX_CURVE_QUERIES
    ? all
    : shuffle(all, createRandom(seed, 306)).subarray(0, MAX_CURVE_QUERIES);
}

function perClass(input: SpaceInput, walks: Readonly<Record<Direction, Walk>>): ClassDetails[] {
  const { image, text, classNames, seenClasses } = input;
  const labels = new Set([...image.classes, ...text.classes].filter((label) => label >= 0));
  const rows = [...labels].map((label): ClassDetails => {
    const ofLabel = (side: RetrievalSide) => side.classes.filter((x) => x === label).length;
    const ap = (walk: Walk, queries: RetrievalSide) =>
      mean(
        walk.outcomes
          .filter(({ query }) => queries.classes[query] === label)
          .map(({ averagePrecision }) => averagePrecision)
          .filter((x) => x !== null),
      );
    const images = ofLabel(image);
    const texts = ofLabel(text);
    return {
      name: classNames[label] ?? String(label),
      seen: seenClasses.has(label),
      images,
      texts,
      i2tAp: ap(walks.i2t, image),
      t2iAp: ap(walks.t2i, text),
      confusedWith: confusions(label, input, walks),
      chance: meanOf(chanceAp(texts, text.embeddings.rows), chanceAp(images, image.embeddings.rows)),
    };
  });
  const figure = ({ i2tAp, t2iAp }: ClassDetails) => meanOf(i2tAp, t2iAp) ?? -1;
  return rows.sort((a, b) => figure(b) - figure(a) || (a.name < b.name ? -1 : 1));
}

function chanceAp(relevant: number, gallery: number): number | null {
  return relevant === 0 ? null : chanceMetrics(gallery, [relevant], []).map;
}

/** The mean of the values that are not null. */
function meanOf(...values: readonly (number | null)[]): number | null {
  return mean(values.filter((x) => x !== null));
}
