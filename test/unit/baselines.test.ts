import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import { fitLogisticRegression, posterior } from '../../src/encoder/baselines/logistic-regression.js';
import { trainSemanticMatching } from '../../src/encoder/baselines/semantic-matching.js';
import { fitCca, prepareCca, trainCca } from '../../src/encoder/baselines/train-cca.js';
import { loadEncoder } from '../../src/encoder/inference/serialise.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { splitClasses } from '../../src/encoder/training/class-split.js';
import { groupsOf } from '../../src/encoder/training/groups.js';
import type { SourceSet } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { retrievalFigures, syntheticSource, trainAndHeldOut } from './encoder-source.js';

const all = syntheticSource(420, 6, 9);
const range = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
const part = (from: number, to: number): SourceSet => ({
  ...all,
  image: takeRows(all.image, range(from, to)),
  text: takeRows(all.text, range(from, to)),
  labels: all.labels.slice(from, to),
});
const [train, test] = [part(0, 300), part(300, 420)];

beforeAll(async () => {
  await loadTensorBackend();
});

describe('logistic regression', () => {
  it('finds the minimum: two classes and one feature, computed by hand', () => {
    // The data are symmetric about 0, so the bias is 0. With weights ±w, the loss log(1 + e^(−2w x)) + l2 w² has its minimum
    // at Σ x σ(−2w x) / n = l2 w.
    const x = [1, 2, -1, -2];
    const rows = { data: Float32Array.from(x), rows: 4, columns: 1 };
    const fitted = fitLogisticRegression(rows, Int32Array.of(1, 1, 0, 0), { classes: 2, l2: 0.1 });
    const w = fitted.weights[1] ?? 0;
    expect(fitted.weights[0]).toBeCloseTo(-w, 3);
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    const slope = x.reduce((sum, v) => sum + Math.abs(v) * sigmoid(-2 * w * Math.abs(v)), 0) / 4;
    expect(slope).toBeCloseTo(0.1 * w, 2);
    expect(posterior(fitted, [1])[1]).toBeCloseTo(sigmoid(2 * w), 3);
  });

  it('ignores rows without a class', () => {
    const rows = { data: Float32Array.from([1, -1, 50]), rows: 3, columns: 1 };
    const some = fitLogisticRegression(rows, Int32Array.of(1, 0, -1), { classes: 2, l2: 0.1 });
    const two = { ...rows, data: rows.data.slice(0, 2), rows: 2 };
    expect(some).toEqual(fitLogisticRegression(two, Int32Array.of(1, 0), { classes: 2, l2: 0.1 }));
  });
});

describe('semantic matching', () => {
  it('matches by posteriors, with unit vectors whose cosine is the chosen similarity', async () => {
    const sm = await trainSemanticMatching(train, { seed: 1 });
    const image = sm.encoder.embedMany('IMAGE', test.image);
    const text = sm.encoder.embedMany('TEXT', test.text);
    expect(image.columns).toBe(sm.encoder.dimension);
    for (const { data, columns } of [image, text])
      expect(Math.hypot(...data.subarray(0, columns))).toBeCloseTo(1, 5);
    if (sm.similarity === 'inner-product') {
      const row = (m: typeof image) => [...m.data.subarray(0, m.columns)];
      const inner = row(image)
        .slice(0, 6)
        .reduce((sum, p, c) => sum + p * (row(text)[c] ?? 0), 0);
      const cosine = row(image).reduce((sum, x, i) => sum + x * (row(text)[i] ?? 0), 0);
      expect(cosine).toBeCloseTo(inner, 6);
    }
    const side = (embeddings: typeof image) => ({ embeddings, classes: test.labels, pairs: range(0, 120) });
    const { mean, chance } = evaluateRetrieval(side(image), side(text));
    expect(mean.map).toBeGreaterThan(2 * (chance.map ?? 1));
    const again = await trainSemanticMatching(train, { seed: 1 });
    expect(again.encoder.embedMany('IMAGE', test.image)).toEqual(image);
  });
});

describe('semantic matching of unseen classes', () => {
  it('compares posteriors over the seen classes, chosen on held-out classes', async () => {
    const rowsOf = (wanted: (label: number) => boolean) =>
      Int32Array.from(all.labels.keys()).filter((row) => wanted(all.labels[row] as number));
    const seenRows = rowsOf((label) => label < 4);
    const seen: SourceSet = {
      image: takeRows(all.image, seenRows),
      text: takeRows(all.text, seenRows),
      labels: seenRows.map((row) => all.labels[row] as number),
      classNames: all.classNames.slice(0, 4),
      classEmbeddings: takeRows(all.classEmbeddings, range(0, 4)),
    };
    const sm = await trainSemanticMatching(seen, { seed: 0, validationBy: 'classes' });
    expect(sm.validation).toBeGreaterThan(0);
    const { mean, chance } = retrievalFigures(
      sm.encoder,
      all,
      rowsOf((label) => label >= 4),
    );
    expect(mean.map).toBeGreaterThan((chance.map ?? 1) + 0.1);
    const again = await trainSemanticMatching(seen, { seed: 0, validationBy: 'classes' });
    expect(again.l2).toEqual(sm.l2);
    expect(again.encoder.embedMany('TEXT', all.text)).toEqual(sm.encoder.embedMany('TEXT', all.text));
  });
});

describe('CCA with options chosen on held-out classes', () => {
  it('holds out all classes equally often, and never trains on a held-out class', () => {
    const splits = splitClasses({ labels: all.labels, groups: groupsOf(all) }, 0.4, 3);
    expect(splits).toHaveLength(5);
    const times = new Map<number, number>();
    for (const { training, validation } of splits) {
      expect(training.length + validation.length).toBe(420);
      const of = (rows: Int32Array) => new Set([...rows].map((row) => all.labels[row] ?? -1));
      const [trained, held] = [of(training), of(validation)];
      for (const label of held) {
        expect(trained.has(label)).toBe(false);
        times.set(label, (times.get(label) ?? 0) + 1);
      }
    }
    expect(Math.max(...times.values()) - Math.min(...times.values())).toBeLessThanOrEqual(1);
    expect(times.size).toBe(6);
    expect(splitClasses({ labels: all.labels, groups: groupsOf(all) }, 0.4, 3)).toEqual(splits);
  });

  it('holds out pairs if there are too few classes, and trains on pairs without a class', () => {
    const few = Int32Array.from({ length: 60 }, (_, i) => i % 3);
    expect(splitClasses({ labels: few, groups: groupsOf({ labels: few }) }, 0.4, 0)).toHaveLength(1);
    const labels = Int32Array.from({ length: 120 }, (_, i) => (i % 6) - 1);
    for (const { validation } of splitClasses({ labels, groups: groupsOf({ labels }) }, 0.4, 0))
      expect([...validation].some((row) => labels[row] === -1)).toBe(false);
  });

  it('returns its choice with the validation figure, the same for the same seed', async () => {
    const options = { seed: 2, dimension: 16, validationBy: 'classes' } as const;
    const cca = await trainCca(train, options);
    expect(cca.k).toBeLessThanOrEqual(16);
    expect(cca.validation).toBeGreaterThan(0);
    // Several choices can share the principal components.
    const prepared = await prepareCca(train, options);
    await fitCca(prepared, 'pairs');
    const { seconds: _, ...again } = cca;
    expect(await fitCca(prepared, 'classes')).toMatchObject({ ...again, encoder: expect.anything() });
  });
});

describe('the CCA baseline', () => {
  it('finds linear relations, and chooses its width and regularisation', async () => {
    const source = syntheticSource(400, 6, 1);
    const { train, rows } = trainAndHeldOut(source);
    const cca = await trainCca(train, { dimension: 12 });
    const { mean, chance } = retrievalFigures(cca.encoder, source, rows);
    expect(mean.map ?? 0).toBeGreaterThan(2 * (chance.map ?? 1));
    expect(cca.encoder.dimension).toBe(cca.length > 0 ? cca.k + 2 : cca.k);
    expect(cca.k).toBeLessThanOrEqual(12);
    const stored = loadEncoder(cca.bytes);
    expect(stored.embed('TEXT', source.text.data.subarray(0, 24))).toEqual(
      cca.encoder.embed('TEXT', source.text.data.subarray(0, 24)),
    );
  });
});
