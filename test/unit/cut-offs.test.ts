import { describe, expect, it } from 'vitest';
import { dot, unit } from '../../src/domain/vectors.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { calibrateCutOffs, WRONG_SHARE_CUT } from '../../src/evaluation/similarity-thresholds.js';
import { identityEncoder, type PairSketch, pairTable } from './pair-tables.js';

const DIMENSION = 12;
const CLASSES = 10;
const encoder = identityEncoder(DIMENSION);

/** Pairs around the places of their classes; the places are the same for every call. */
function sketches(count: number, seed: number, spread: number): PairSketch[] {
  const places = createRandom(1);
  const centres = Array.from({ length: CLASSES }, () =>
    Array.from({ length: DIMENSION }, () => places.normal()),
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

describe('calibrated cut-offs', () => {
  const held = sketches(300, 2, 0.8);
  const cutOffs = calibrateCutOffs(
    encoder,
    { seen: pairTable(held.slice(0, 200)), unseen: pairTable(held.slice(200)) },
    0,
  );

  it('are there for each kind of evidence and each direction', () => {
    const about = cutOffs.map(({ evidence, query, target }) => `${evidence} ${query} ${target}`);
    expect(new Set(about).size).toBe(8);
    expect(about).toHaveLength(8);
  });

  it('cut the stated share of wrong pairs of items that took no part in it', () => {
    const fresh = sketches(300, 3, 0.8);
    for (const { evidence, query, target, threshold, rightKept } of cutOffs) {
      const side = (which: string) => (which === 'IMAGE' ? 'image' : 'text');
      const wrong: boolean[] = [];
      const right: boolean[] = [];
      for (const a of fresh) {
        for (const b of fresh) {
          if (a === b && (query === target || evidence === 'COUNTERPART')) continue;
          const vector = Float32Array.from(a[side(query)]);
          // By COUNTERPART an item is compared by its counterpart of the query's modality.
          const other = Float32Array.from(b[evidence === 'CONTENT' ? side(target) : side(query)]);
          (a.classes[0] === b.classes[0] ? right : wrong).push(dot(vector, other) < threshold);
        }
      }
      const share = (cuts: boolean[]) => cuts.filter(Boolean).length / cuts.length;
      // Pairs that share an item are not independent: the error is that of some hundred items, not of 80,000 pairs.
      expect(Math.abs(share(wrong) - WRONG_SHARE_CUT)).toBeLessThan(0.02);
      expect(Math.abs(1 - share(right) - (rightKept ?? Number.NaN))).toBeLessThan(0.05);
    }
  });

  it('say what they were read from, and what they do to the other half', () => {
    const cutOff = cutOffs.find(
      (c) => c.evidence === 'CONTENT' && c.query === 'TEXT' && c.target === 'IMAGE',
    );
    expect(cutOff).toMatchObject({ wrongPairs: 300 * 270, rightPairs: 300 * 30 });
    expect(Math.abs((cutOff?.wrongCut ?? 0) - WRONG_SHARE_CUT)).toBeLessThan(0.02);
    expect(cutOff?.rightKept).toBeGreaterThan(0.5);
  });

  it('are the same across modalities in both directions, for cosine similarity is symmetric', () => {
    const across = cutOffs.filter((c) => c.evidence === 'CONTENT' && c.query !== c.target);
    expect(across[0]?.threshold).toBe(across[1]?.threshold);
  });

  it('are the same for the same seed', () => {
    const tables = { seen: pairTable(held), unseen: nothing };
    expect(calibrateCutOffs(encoder, tables, 7)).toEqual(calibrateCutOffs(encoder, tables, 7));
  });
});

it('take items of one pair for right where no pair has a class, and calibrate CONTENT alone', () => {
  const held = sketches(60, 4, 0.1).map((row) => ({ ...row, classes: [] }));
  const cutOffs = calibrateCutOffs(encoder, { seen: pairTable(held), unseen: nothing }, 0);
  expect(cutOffs.map(({ evidence }) => evidence)).toEqual(Array.from(cutOffs, () => 'CONTENT'));
  expect(cutOffs.find((c) => c.query === 'IMAGE' && c.target === 'TEXT')).toMatchObject({ rightPairs: 60 });
  // Within a modality no item is another's counterpart: the price is not known.
  expect(cutOffs.find((c) => c.query === 'IMAGE' && c.target === 'IMAGE')?.rightKept).toBeNull();
});

it('are not read from too few pairs', () => {
  const held = pairTable(sketches(8, 5, 0.5));
  expect(calibrateCutOffs(encoder, { seen: held, unseen: nothing }, 0)).toEqual([]);
  expect(calibrateCutOffs(encoder, { seen: nothing, unseen: nothing }, 0)).toEqual([]);
});
