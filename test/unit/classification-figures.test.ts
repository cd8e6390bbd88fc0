import { describe, expect, it } from 'vitest';
import { gather } from '../../src/encoder/math/matrix.js';
import { classificationFigures } from '../../src/evaluation/classification-figures.js';
import { identityEncoder, pairTable } from './pair-tables.js';

const [X, Y, Z, W] = [
  [1, 0, 0, 0],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
] as const;
const encoder = identityEncoder(4);
const classes = {
  ids: ['x', 'y', 'z', 'w'],
  features: gather([X, Y, Z, W].map((row) => Float32Array.from(row))),
};
const source = pairTable([
  { pair: '1', classes: ['x'], image: X, text: X },
  { pair: '2', classes: ['y'], image: Y, text: Y },
]);
const nothing = pairTable([]);

describe('classification of held-out items', () => {
  const figures = classificationFigures(encoder, classes, source, {
    seen: pairTable([
      { pair: '3', classes: ['x'], image: X, text: [1, 0.9, 0, 0] },
      // Classified as y; x is far behind.
      { pair: '4', classes: ['x'], image: [0.1, 1, 0.2, 0.3], text: X },
      { pair: '5', classes: ['y'], image: Y, text: Y },
      { pair: '6', classes: [], image: W, text: W },
    ]),
    unseen: pairTable([
      { pair: '7', classes: ['z'], image: [0, 0, 1, 0.5], text: Z },
      // Classified as a seen class among all classes, and rightly among the unseen ones.
      { pair: '8', classes: ['z'], image: [1, 0, 0.5, 0.1], text: [1, 0, 0.5, 0.1] },
    ]),
  });

  it('is measured among all classes and among the classes of the group', () => {
    expect(figures?.IMAGE.seen).toMatchObject({
      items: 3,
      amongAll: { classes: 4, top1: 2 / 3, top5: 1, chance1: 1 / 4, chance5: 1 },
      amongOwn: { classes: 2, top1: 2 / 3, chance1: 1 / 2 },
      majority: 2 / 3,
    });
    expect(figures?.IMAGE.unseen).toMatchObject({
      items: 2,
      amongAll: { classes: 4, top1: 1 / 2 },
      amongOwn: { classes: 2, top1: 1 },
      majority: 1,
    });
    expect(figures?.TEXT.seen?.amongAll.top1).toBe(1);
  });

  it('has the harmonic mean of seen and unseen', () => {
    expect(figures?.IMAGE.harmonicMean).toBeCloseTo((2 * (2 / 3) * (1 / 2)) / (2 / 3 + 1 / 2), 12);
  });
});

it('uses no held-out item for a prototype', () => {
  const far = [0, 0, -1, 0.1];
  const held = Array.from({ length: 40 }, (_, i) => ({
    pair: `h${i}`,
    classes: ['z'],
    image: far,
    text: far,
  }));
  const figures = classificationFigures(encoder, classes, source, { seen: nothing, unseen: pairTable(held) });
  // A prototype with these items would be next to them; the one of the name alone is the furthest.
  expect(figures?.IMAGE.unseen?.amongAll.top1).toBe(0);
});

it('counts an item of several classes as right if one of them is right', () => {
  const figures = classificationFigures(encoder, classes, source, {
    seen: pairTable([{ pair: '3', classes: ['x', 'w'], image: [0.1, 0, 0, 1], text: W }]),
    unseen: nothing,
  });
  expect(figures?.IMAGE.seen?.amongAll.top1).toBe(1);
});

it('is null where there is no class', () => {
  const none = { ids: [], features: gather([]) };
  expect(classificationFigures(encoder, none, source, { seen: nothing, unseen: nothing })).toBeNull();
});
