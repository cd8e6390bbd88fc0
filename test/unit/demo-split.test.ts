import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { demoItems, planDemo } from '../../src/demo/demo-items.js';
import { DEMO_TRAINING } from '../../src/demo/demo-training.js';
import { type Split, splitTable } from '../../src/evaluation/pair-split.js';
import { pairTable } from './pair-tables.js';

const hash = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex');

/** The pairs of the demo's whole catalogue with their contents, split as its training splits them. */
async function splitDemo(languages: readonly string[]): Promise<Split> {
  const plan = planDemo(languages);
  const byPair = new Map<string, Awaited<ReturnType<typeof demoItems>>>();
  for (const item of await demoItems(plan, 0, plan.entries.length)) {
    byPair.set(item.pairKey, [...(byPair.get(item.pairKey) ?? []), item]);
  }
  const rows = [...byPair].flatMap(([pair, items]) =>
    items.flatMap((picture) => {
      const { content } = picture;
      if (!('bytes' in content)) return [];
      return items.flatMap((caption) =>
        'text' in caption.content
          ? [
              {
                pair,
                classes: picture.classes,
                imageId: picture.externalId,
                textId: caption.externalId,
                imageHash: hash(content.bytes),
                textHash: hash(caption.content.text),
                image: [1],
                text: [1],
              },
            ]
          : [],
      );
    }),
  );
  const trained = rows.map(({ imageId }) => imageId.startsWith('google/'));
  return splitTable(pairTable(rows), {
    learnable: (row) => trained[row] === true,
    unseen: new Set(DEMO_TRAINING.unseen),
    holdout: DEMO_TRAINING.holdout,
    seed: DEMO_TRAINING.seed,
  });
}

it.each([[['en']], [['zh', 'en']]])(
  'the demo in %j measures no item and no content of its training set',
  async (languages) => {
    const { source, seen, unseen } = await splitDemo(languages);
    const measured = [...seen.pairs, ...unseen.pairs];
    for (const key of ['imageId', 'textId', 'imageHash', 'textHash'] as const) {
      const trained = new Set(source.pairs.map((pair) => pair[key]));
      expect(
        measured.filter((pair) => trained.has(pair[key])),
        key,
      ).toEqual([]);
    }
    // Only Twitter's pictures are measured, those of a tenth of the emoji and of all unseen classes.
    expect(measured.filter(({ imageId }) => !imageId.startsWith('twitter/'))).toEqual([]);
    expect(source.pairs.filter(({ imageId }) => !imageId.startsWith('google/'))).toEqual([]);
    expect(new Set(seen.pairs.map(({ imageId }) => imageId)).size).toBeGreaterThan(140);
    expect(new Set(unseen.pairs.map(({ imageId }) => imageId)).size).toBe(146);
    expect(new Set(source.pairs.map(({ imageId }) => imageId)).size).toBeGreaterThan(1330);
    for (const { classIds } of [...source.pairs, ...seen.pairs]) {
      expect(DEMO_TRAINING.unseen).not.toContain(classIds[0]);
    }
  },
);
