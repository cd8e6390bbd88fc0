import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import { trainSemanticMatching } from '../../src/encoder/baselines/semantic-matching.js';
import { trainCca } from '../../src/encoder/baselines/train-cca.js';
import type { Encoder } from '../../src/encoder/types.js';
import type { MeasuredPart } from '../../src/evaluation/measured-part.js';
import { readBundle } from '../../src/services/evaluate/bundle/read-bundle.js';
import { partOf, planSplits, sourceOf } from '../../src/services/evaluate/bundle-protocol.js';

/** A folder of real features as `.npy` files. It is not part of the project: without it the tests are skipped. */
const SHARED = process.env.COMMONSPACE_SHARED ?? resolve(import.meta.dirname, '../../../shared');
const FOLDER = join(SHARED, 'data', 'wikipedia');
const there = existsSync(FOLDER);
if (!there) console.warn(`skipped: ${FOLDER} does not exist`);

function mapOf(encoder: Encoder, part: MeasuredPart | null) {
  if (part === null) throw new Error('nothing to measure');
  const side = (modality: 'IMAGE' | 'TEXT') => {
    const { features, ...rest } = part.sides[modality];
    return { ...rest, embeddings: encoder.embedMany(modality, features) };
  };
  const { mean, chance } = evaluateRetrieval(side('IMAGE'), side('TEXT'));
  return { map: mean.map, chance: chance.map };
}

// Reference figures on these rows: chance .12, CCA .255 (with the power of the correlation and the kept norm chosen), semantic matching .25 by cosine and .28 by inner product.
describe.skipIf(!there)('wikipedia', { timeout: 600_000 }, () => {
  it('non-extendable: CCA and semantic matching reach the reference figures', async () => {
    const bundle = await readBundle(FOLDER);
    expect([bundle.train.labels.length, bundle.test.labels.length, bundle.classNames.size]).toEqual([
      2173, 693, 10,
    ]);
    const [split] = planSplits(bundle, 'non-extendable', [0]);
    const source = sourceOf(bundle, split?.seen ?? []);
    const part = partOf(bundle, split?.seen ?? []);
    const cca = mapOf((await trainCca(source)).encoder, part);
    expect(cca.chance).toBeCloseTo(0.1184, 4);
    expect(cca.map).toBeGreaterThan(0.248);
    expect(cca.map).toBeLessThan(0.262);
    const sm = mapOf((await trainSemanticMatching(source)).encoder, part);
    expect(sm.map).toBeGreaterThan(0.27);
    expect(sm.map).toBeLessThan(0.295);
  });

  it('extendable: CCA with options chosen on held-out classes retrieves unseen classes', async () => {
    const bundle = await readBundle(FOLDER);
    const [split] = planSplits(bundle, 'extendable', [0]);
    expect(split).toMatchObject({ split: 0, seen: [1, 2, 4, 8, 9], unseen: [0, 3, 5, 6, 7] });
    const source = sourceOf(bundle, split?.seen ?? []);
    const { encoder } = await trainCca(source, { validationBy: 'classes' });
    const { map, chance } = mapOf(encoder, partOf(bundle, split?.unseen ?? []));
    expect(chance).toBeCloseTo(0.2365, 4);
    expect(map).toBeGreaterThan(0.285);
  });
});
