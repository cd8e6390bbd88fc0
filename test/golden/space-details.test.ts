import { describe, expect, it } from 'vitest';
import type { RetrievalSide } from '../../src/domain/metrics.js';
import { scoreQueries } from '../../src/domain/metrics-scores.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { describeSpace, type SpaceInput } from '../../src/evaluation/space/describe-space.js';
import { modalityGap } from '../../src/evaluation/space/modality-gap.js';
import { principalPlane } from '../../src/evaluation/space/principal-plane.js';
import { areaUnderCurve, similarityHistograms } from '../../src/evaluation/space/similarity-histograms.js';
import { RECALL_LEVELS, walkQueries } from '../../src/evaluation/space/walk-queries.js';

/** Unit vectors at angles, in degrees. */
function side(
  angles: readonly number[],
  classes: readonly number[],
  pairs: readonly number[],
): RetrievalSide {
  const data = angles.flatMap((a) => [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)]);
  return {
    embeddings: { data: Float32Array.from(data), rows: angles.length, columns: 2 },
    classes: Int32Array.from(classes),
    pairs: Int32Array.from(pairs),
  };
}

// The image at 0° finds the texts in the order 10° (class 0), 40° (1), 60° (0, its own): precision 1 at the first hit and 2/3
// at the second. The image at 45° finds 40° (1, its own), 60°, 10°.
const image = side([0, 45], [0, 1], [0, 1]);
const text = side([10, 40, 60], [0, 1, 0], [-1, 1, 0]);
const input: SpaceInput = {
  set: 'test',
  method: 'masln',
  image,
  text,
  classNames: ['art', 'sport'],
  seenClasses: new Set([0]),
  others: [],
  seed: 0,
};

function randomSide(seed: number, rows: number, columns: number, shift = 0): RetrievalSide {
  const random = createRandom(seed);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i += 1) {
    const row = Array.from({ length: columns }, (_, j) => random.normal() + (j === 0 ? shift : 0));
    const norm = Math.hypot(...row);
    data.set(
      row.map((x) => x / norm),
      i * columns,
    );
  }
  return {
    embeddings: { data, rows, columns },
    classes: Int32Array.from({ length: rows }, (_, i) => i % 3),
    pairs: Int32Array.from({ length: rows }, (_, i) => i),
  };
}

describe('precision over recall', () => {
  it('is the highest precision at that recall or beyond, averaged over queries', () => {
    const { precision, chance } = walkQueries(image, text, 3);
    // Query 0: 1 up to recall 1/2, then 2/3. Query 1: 1 throughout.
    const expected = RECALL_LEVELS.map((recall) => (recall <= 0.5 ? 1 : (2 / 3 + 1) / 2));
    expect(precision).toHaveLength(51);
    precision?.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 12);
    });
    expect(chance).toBeCloseTo((2 / 3 + 1 / 3) / 2, 12);
  });

  it('gives ranks, and the same average precision as the metrics', () => {
    const { outcomes } = walkQueries(image, text, 2);
    expect(outcomes).toMatchObject([
      { query: 0, firstRelevantRank: 1, counterpartRank: 3, relevant: 2, top: [{ row: 0 }, { row: 1 }] },
      { query: 1, averagePrecision: 1, firstRelevantRank: 1, counterpartRank: 1, relevant: 1 },
    ]);
    expect(outcomes[0]?.averagePrecision).toBeCloseTo((1 + 2 / 3) / 2, 12);
    expect(outcomes[0]?.top[0]?.similarity).toBeCloseTo(Math.cos(Math.PI / 18), 6);

    const [images, texts] = [randomSide(1, 40, 5), randomSide(2, 40, 5)];
    const scores = scoreQueries(images, texts);
    const walked = walkQueries(images, texts, 1).outcomes;
    expect(walked.map((o) => o.averagePrecision)).toEqual(Array.from(scores.values['map@all']));
    expect(walked.map((o) => o.counterpartRank)).toEqual(Array.from(scores.firstRank));
  });

  it('has no curve where no item is relevant', () => {
    const none = { ...image, classes: Int32Array.of(-1, -1) };
    expect(walkQueries(none, text, 1)).toMatchObject({ precision: null, chance: null });
  });
});

describe('average precision by class', () => {
  it('is computed for each direction, with chance, for seen and unseen classes', () => {
    const { perClass } = describeSpace(input).details;
    expect(perClass.map(({ name, seen, images, texts }) => ({ name, seen, images, texts }))).toEqual([
      { name: 'sport', seen: false, images: 1, texts: 1 },
      { name: 'art', seen: true, images: 1, texts: 2 },
    ]);
    // Texts of class 0 find the images 0° (class 0) and 45°: from 10° first, from 60° second.
    expect(perClass[1]?.i2tAp).toBeCloseTo(5 / 6, 12);
    expect(perClass[1]?.t2iAp).toBeCloseTo((1 + 1 / 2) / 2, 12);
    // The image of art finds a text of sport among its first two, the text at 60° the image of sport first: 2 of 4 results.
    expect(perClass.map(({ confusedWith }) => confusedWith)).toEqual([[], [{ name: 'sport', share: 0.5 }]]);
    // Chance of art: two of three texts are (1/2)(2/3 · 1 + 2/3 · (1 + 1/2)/2 + 2/3 · (1 + 1)/3), one of two images 3/4.
    const texts = (2 / 3 + (2 / 3) * 0.75 + (2 / 3) * (2 / 3)) / 2;
    expect(perClass[1]?.chance).toBeCloseTo((texts + 3 / 4) / 2, 12);
  });
});

describe('similarities', () => {
  it('are counted for counterparts, one class and different classes', () => {
    const { groups, edges, counterpartAuc, classAuc, sampled } = similarityHistograms(image, text, 0);
    expect(edges).toHaveLength(101);
    const binsOf = (kind: string) =>
      groups.find((g) => g.kind === kind)?.counts.flatMap((count, bin) => (count > 0 ? [[bin, count]] : []));
    // cos 60° = .5 (which float32 puts a hair above the edge) and cos 5° = .9962; cos 10° = .9848; the others
    // are cos 40° = .766, cos 35° = .8192 and cos 15° = .9659.
    expect(binsOf('counterpart')).toEqual([
      [75, 1],
      [99, 1],
    ]);
    expect(binsOf('same-class')).toEqual([[99, 1]]);
    expect(binsOf('other')).toEqual([
      [88, 1],
      [90, 1],
      [98, 1],
    ]);
    // .5 is above none of four, .9962 above all.
    expect(counterpartAuc).toBe(0.5);
    expect(classAuc).toBe(1);
    expect(sampled).toBe(false);
  });

  it('are a sample by the seed where there are many', () => {
    const [a, b] = [randomSide(1, 50, 4), randomSide(2, 50, 4)];
    const drawn = similarityHistograms(a, b, 7, 500);
    expect(drawn.sampled).toBe(true);
    expect(drawn.groups[0]?.total).toBe(50);
    expect(drawn).toEqual(similarityHistograms(a, b, 7, 500));
    expect(drawn).not.toEqual(similarityHistograms(a, b, 8, 500));
  });

  it('count ties half in the area under the curve', () => {
    expect(areaUnderCurve([0.5, 0.9], [0.5, 0.1])).toBe((0.75 + 1) / 2);
    expect(areaUnderCurve([], [1])).toBeNull();
  });
});

describe('the modality gap', () => {
  it('is the distance of the centroids', () => {
    const gap = modalityGap(side([0, 90], [0, 0], [0, 1]), side([180, 270], [0, 0], [0, 1]), 0);
    // (½, ½) and (−½, −½).
    expect(gap.centroidDistance).toBeCloseTo(Math.SQRT2, 6);
    expect(gap.imageConcentration).toBeCloseTo(Math.SQRT1_2, 6);
    expect(gap.linearAccuracy).toBeNull();
  });

  it('is found by a linear rule if it exists, and not otherwise', () => {
    expect(modalityGap(randomSide(1, 200, 6, 8), randomSide(2, 200, 6, -8), 0).linearAccuracy).toBe(1);
    const none = modalityGap(randomSide(1, 400, 6), randomSide(2, 400, 6), 0).linearAccuracy as number;
    expect(Math.abs(none - 0.5)).toBeLessThan(0.08);
  });
});

describe('the map', () => {
  it('shows the two directions of most variance', () => {
    const rows = Float32Array.from([3, 0, 0, -3, 0, 0, 0, 1, 0, 0, -1, 0]);
    const plane = principalPlane({ data: rows, rows: 4, columns: 3 }, 0);
    expect(plane.explained).toBeCloseTo(1, 12);
    plane.points.forEach(([x, y], i) => {
      expect(x).toBeCloseTo([3, -3, 0, 0][i] as number, 6);
      expect(y).toBeCloseTo([0, 0, 1, -1][i] as number, 6);
    });
  });

  it('puts similar points near each other, and is the same each time', () => {
    // Three groups of directions, far apart in eight dimensions.
    const clustered = (seed: number): RetrievalSide => {
      const base = randomSide(seed, 45, 8);
      const data = base.embeddings.data.map((x, i) => {
        const row = Math.floor(i / 8);
        return (0.3 * x + (i % 8 === row % 3 ? 1 : 0)) / 1.1;
      });
      return { ...base, embeddings: { data, rows: 45, columns: 8 } };
    };
    const both = { ...input, image: clustered(1), text: clustered(2), classNames: ['a', 'b', 'c'] };
    const { map } = describeSpace(both).details;
    expect(map.points).toHaveLength(90);
    const nearest = map.points.map((p, i) => {
      const distances = map.points.map((q, j) =>
        i === j ? Infinity : Math.hypot(...[0, 1].map((k) => (p.tsne?.[k] ?? 0) - (q.tsne?.[k] ?? 0))),
      );
      return map.points[distances.indexOf(Math.min(...distances))];
    });
    const alike = map.points.filter((p, i) => p.class === nearest[i]?.class).length;
    expect(alike).toBe(90);
    expect(describeSpace(both)).toEqual(describeSpace(both));
  });
});

describe('the whole analysis', () => {
  it('has the best and the worst queries, and every prediction', () => {
    const { details, predictions } = describeSpace(input);
    expect(details.best.map(({ direction, query }) => `${direction} ${query.row}`)).toEqual([
      'i2t 1',
      'i2t 0',
      't2i 1',
      't2i 0',
    ]);
    expect(details.worst.map(({ direction, query }) => `${direction} ${query.row}`)).toEqual(['t2i 2']);
    expect(details.best[0]?.results[0]).toMatchObject({ row: 1, relevant: true, counterpart: true });
    expect(predictions).toHaveLength(5);
    expect(predictions[0]).toMatchObject({
      query: '0',
      class: 'art',
      first_relevant_rank: 1,
      counterpart_rank: 3,
    });
    expect(JSON.parse(JSON.stringify(details))).toEqual(details);
  });

  it('works without items', () => {
    const none = { ...side([], [], []), embeddings: { data: new Float32Array(), rows: 0, columns: 2 } };
    const { details } = describeSpace({ ...input, image: none, text: none });
    expect(details).toMatchObject({ curves: [], perClass: [], best: [], worst: [] });
    expect(details.gap.centroidDistance).toBeNull();
    expect(details.map.points).toEqual([]);
  });
});
