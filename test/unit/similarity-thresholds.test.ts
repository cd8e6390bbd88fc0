import { describe, expect, it } from 'vitest';
import { dot, unit } from '../../src/domain/vectors.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { calibrateThresholds, WRONG_SHARE_CUT } from '../../src/evaluation/similarity-thresholds.js';
import { identityEncoder, type PairSketch, pairTable } from './pair-tables.js';

const DIMENSION = 12;
const CLASSES = 10;
const encoder = identityEncoder(DIMENSION);

/** Pairs around the centres of their classes; the centres are the same for every call. */
function sketches(count: number, seed: number, spread: number): PairSketch[] {
  const centreRandom = createRandom(1);
  const centres = Array.from({ length: CLASSES }, () =>
    Array.from({ length: DIMENSION }, () => centreRandom.normal()),
  );
  const random = createRandom(seed);
  const near = (centre: readonly number[]) => [
    ...unit(Float32Array.from(centre, (x) => x + spread * random.normal())),
  ];
  return Array.from({ length: count }, (_, i) => {
    const centre = centres[i % CLASSES] ?? [];
    return {
      pair: `${seed}-${i}`,
      classes: [`c${i % CLASSES}`],
      image: near(centre),
      text: near(centre),
    };
  });
}
const nothing = pairTable([]);

describe('calibrated similarity thresholds', () => {
  const held = sketches(300, 2, 0.8);
  const thresholds = calibrateThresholds(
    encoder,
    { seen: pairTable(held.slice(0, 200)), unseen: pairTable(held.slice(200)) },
    0,
  );

  it('exist for each kind of evidence and each direction', () => {
    const about = thresholds.map(({ evidence, query, target }) => `${evidence} ${query} ${target}`);
    expect(new Set(about).size).toBe(8);
    expect(about).toHaveLength(8);
  });

  it('exclude the stated share of wrong pairs on items that were not used for the calibration', () => {
    const fresh = sketches(300, 3, 0.8);
    for (const { evidence, query, target, threshold, rightKept } of thresholds) {
      const side = (which: string) => (which === 'IMAGE' ? 'image' : 'text');
      const wrong: boolean[] = [];
      const right: boolean[] = [];
      for (const a of fresh) {
        for (const b of fresh) {
          if (a === b && (query === target || evidence === 'COUNTERPART')) continue;
          const vector = Float32Array.from(a[side(query)]);
          // COUNTERPART compares the query with the item's counterpart of the query's modality.
          const other = Float32Array.from(b[evidence === 'CONTENT' ? side(target) : side(query)]);
          (a.classes[0] === b.classes[0] ? right : wrong).push(dot(vector, other) < threshold);
        }
      }
      const share = (cuts: boolean[]) => cuts.filter(Boolean).length / cuts.length;
      // Pairs that share an item are not independent, so the error is that of some hundred items, not of 80,000 pairs.
      expect(Math.abs(share(wrong) - WRONG_SHARE_CUT)).toBeLessThan(0.02);
      expect(Math.abs(1 - share(right) - (rightKept ?? Number.NaN))).toBeLessThan(0.05);
    }
  });

  it('report their numbers of pairs, and the shares on the other half', () => {
    const found = thresholds.find(
      (c) => c.evidence === 'CONTENT' && c.query === 'TEXT' && c.target === 'IMAGE',
    );
    expect(found).toMatchObject({ wrongPairs: 300 * 270, rightPairs: 300 * 30 });
    expect(Math.abs((found?.wrongCut ?? 0) - WRONG_SHARE_CUT)).toBeLessThan(0.02);
    expect(found?.rightKept).toBeGreaterThan(0.5);
  });

  it('are equal in both directions across modalities, because cosine similarity is symmetric', () => {
    const across = thresholds.filter((c) => c.evidence === 'CONTENT' && c.query !== c.target);
    expect(across[0]?.threshold).toBe(across[1]?.threshold);
  });

  it('are the same for the same seed', () => {
    const tables = { seen: pairTable(held), unseen: nothing };
    expect(calibrateThresholds(encoder, tables, 7)).toEqual(calibrateThresholds(encoder, tables, 7));
  });
});

it('count items of one pair as right where no pair has a class, and exist for CONTENT alone', () => {
  const held = sketches(60, 4, 0.1).map((row) => ({ ...row, classes: [] }));
  const thresholds = calibrateThresholds(encoder, { seen: pairTable(held), unseen: nothing }, 0);
  expect(thresholds.map(({ evidence }) => evidence)).toEqual(Array.from(thresholds, () => 'CONTENT'));
  expect(thresholds.find((c) => c.query === 'IMAGE' && c.target === 'TEXT')).toMatchObject({
    rightPairs: 60,
  });
  // Within a modality there are no counterparts, so no right pairs.
  expect(thresholds.find((c) => c.query === 'IMAGE' && c.target === 'IMAGE')?.rightKept).toBeNull();
});

it('do not exist for too few pairs', () => {
  const held = pairTable(sketches(8, 5, 0.5));
  expect(calibrateThresholds(encoder, { seen: held, unseen: nothing }, 0)).toEqual([]);
  expect(calibrateThresholds(encoder, { seen: nothing, unseen: nothing }, 0)).toEqual([]);
});
