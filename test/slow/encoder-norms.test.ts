import { beforeAll, describe, expect, it } from 'vitest';
import { unit } from '../../src/domain/vectors.js';
import { createEncoder } from '../../src/encoder/inference/create-encoder.js';
import type { Branch, EncoderParameters, SideNorms } from '../../src/encoder/inference/parameters.js';
import {
  aboutEncoder,
  loadEncoder,
  loadParameters,
  saveEncoder,
} from '../../src/encoder/inference/serialise.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { TrainOptionsInput } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { syntheticSource } from '../unit/encoder-source.js';

const SMALL: TrainOptionsInput = {
  dimension: 12,
  imageHidden: [16],
  textHidden: [16],
  batchSize: 64,
  epochs: 6,
  ccaDimension: 4,
  members: 1,
  tune: 'none',
};

beforeAll(async () => {
  await loadTensorBackend();
});

const identity = (width: number) => ({
  data: Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0)),
  rows: width,
  columns: width,
});

/** An encoder whose code is its feature of two numbers, with an optional classifier of two classes. */
function plain(
  parts: Pick<EncoderParameters, 'branchWeights' | 'posteriorWeights' | 'norms'>,
  head: Branch['head'],
): EncoderParameters {
  const side = {
    normalisation: {
      mean: new Float32Array(2),
      inverseDeviation: Float32Array.of(1, 1),
      clip: 100,
      basis: identity(2),
      offset: new Float32Array(2),
    },
    branches: [
      { layers: [], skip: { weights: identity(2), bias: new Float32Array(2), slope: 1 }, head },
    ] satisfies Branch[],
  };
  return { ...parts, projection: null, sides: { IMAGE: side, TEXT: side } };
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
const norm = (a: Float32Array) => Math.sqrt(dot(a, a));

describe('an encoder that keeps norms', () => {
  const keptNorms = (code: number, scale: number, radius: number): EncoderParameters['norms'] => {
    const side: SideNorms = { codes: [scale], posteriors: [1], radius };
    return { code, posterior: 1, sides: { IMAGE: side, TEXT: side } };
  };

  it('makes the cosine of an image and a text the inner product of their codes', () => {
    const encoder = createEncoder(
      plain({ branchWeights: [1], posteriorWeights: [0], norms: keptNorms(1, 2, 2.5) }, null),
    );
    const [v, t] = [Float32Array.of(3, 4), Float32Array.of(2, -1)];
    const [image, text] = [encoder.embed('IMAGE', v), encoder.embed('TEXT', t)];
    expect(encoder.dimension).toBe(4);
    expect(norm(image)).toBeCloseTo(1, 6);
    expect(norm(text)).toBeCloseTo(1, 6);
    expect(dot(image, text)).toBeCloseTo(dot(v, t) / (2 * 2.5) ** 2, 6);
  });

  it('keeps the square root of a norm at ½', () => {
    const encoder = createEncoder(
      plain({ branchWeights: [1], posteriorWeights: [0], norms: keptNorms(0.5, 1, 10) }, null),
    );
    const [v, t] = [Float32Array.of(0, 9), Float32Array.of(0, 4)];
    expect(dot(encoder.embed('IMAGE', v), encoder.embed('TEXT', t))).toBeCloseTo((3 * 2) / 100, 6);
  });

  it('scales a vector beyond the radius to the surface, and maps zero to a finite vector', () => {
    const encoder = createEncoder(
      plain({ branchWeights: [1], posteriorWeights: [0], norms: keptNorms(1, 1, 1) }, null),
    );
    expect([...encoder.embed('IMAGE', Float32Array.of(30, 40))]).toEqual(
      [0.6, 0.8, 0, 0].map((x) => expect.closeTo(x, 6)),
    );
    expect([...encoder.embed('TEXT', Float32Array.of(0, 0))]).toEqual([0, 0, 0, 1]);
  });

  it('makes the inner product of two posteriors the probability of the same class', () => {
    const head = {
      weights: { data: Float32Array.of(Math.log(3), 0, 0, Math.log(3)), rows: 2, columns: 2 },
      bias: new Float32Array(2),
      slope: 1,
    };
    const encoder = createEncoder(
      plain({ branchWeights: [0], posteriorWeights: [1], norms: keptNorms(0, 1, 1) }, head),
    );
    // Logits (ln 3, 0) and (0, ln 3): posteriors (¾, ¼) and (¼, ¾).
    const image = encoder.embed('IMAGE', Float32Array.of(1, 0));
    const text = encoder.embed('TEXT', Float32Array.of(0, 1));
    expect(dot(image, text)).toBeCloseTo((3 * 1 + 1 * 3) / 16, 6);
    expect([...image.subarray(0, 2)]).toEqual([0.75, 0.25].map((x) => expect.closeTo(x, 6)));
  });

  it('gives the weighted mean of the cosines if no norm is kept', () => {
    const head = { weights: identity(2), bias: new Float32Array(2), slope: 1 };
    const encoder = createEncoder(
      plain({ branchWeights: [0.75], posteriorWeights: [0.25], norms: null }, head),
    );
    const softmax = (x: Float32Array) => {
      const e = x.map(Math.exp);
      return e.map((y) => y / ((e[0] ?? 0) + (e[1] ?? 0)));
    };
    const [v, t] = [Float32Array.of(1, 2), Float32Array.of(2, -1)];
    const expected = 0.75 * dot(unit(v), unit(t)) + 0.25 * dot(unit(softmax(v)), unit(softmax(t)));
    expect(dot(encoder.embed('IMAGE', v), encoder.embed('TEXT', t))).toBeCloseTo(expected, 6);
  });

  it('is the same after a round trip, with embeddings of the width in the options', async () => {
    const source = syntheticSource(120, 4, 3);
    const options = { ...SMALL, codeLength: 0.5, posteriorLength: 1, posteriorShare: 0.4, ccaShare: 0.2 };
    const { bytes, dimension } = await trainInThisThread(source, options);
    const encoder = loadEncoder(bytes);
    expect(dimension).toBe(12);
    expect(encoder.dimension).toBe(12);
    for (const modality of ['IMAGE', 'TEXT'] as const) {
      const { data, rows } = encoder.embedMany(modality, modality === 'IMAGE' ? source.image : source.text);
      for (let i = 0; i < rows; i += 1) expect(norm(data.subarray(i * 12, (i + 1) * 12))).toBeCloseTo(1, 5);
    }
    const again = loadEncoder(saveEncoder(loadParameters(bytes)));
    const feature = source.text.data.slice(0, source.text.columns);
    expect(again.embed('TEXT', feature)).toEqual(encoder.embed('TEXT', feature));
  });
});

describe('tuning', () => {
  it.each(['pairs', 'classes'] as const)(
    'chooses on held-out %s, with the same choice for the same seed',
    async (tune) => {
      const source = syntheticSource(250, 5, 4);
      const options = { ...SMALL, epochs: 2, tune };
      const first = await trainInThisThread(source, options);
      const second = await trainInThisThread(source, options);
      expect(first.notes.join(' ')).toContain(`Chosen on held-out ${tune}`);
      expect(second.options).toEqual(first.options);
      expect(Buffer.from(second.bytes).equals(Buffer.from(first.bytes))).toBe(true);
      const { trials } = aboutEncoder(first.bytes) as unknown as {
        trials: { choice: object; figure: number }[];
      };
      expect(trials.map(({ figure }) => figure)).toEqual(
        trials.map(({ figure }) => figure).sort((a, b) => b - a),
      );
      const chosen = trials.find(({ choice }) =>
        Object.entries(choice).every(
          ([name, value]) => first.options[name as keyof typeof first.options] === value,
        ),
      );
      // Under `classes` a mixture has to gain .005 over the best part alone.
      const best = trials[0]?.figure ?? 1;
      expect(chosen?.figure).toBeGreaterThanOrEqual(tune === 'classes' ? best - 0.005 : best);
    },
  );

  it('keeps the options of the preset, with a note, if too little can be held out', async () => {
    const source = syntheticSource(120, 3, 5);
    const { options, notes } = await trainInThisThread(source, { ...SMALL, epochs: 1, tune: 'classes' });
    expect(notes.join(' ')).toContain('too few classes');
    expect(options.ccaShare).toBe(0.2);
  });

  it('keeps them where fewer than 50 pairs can be held out', async () => {
    const { options, notes } = await trainInThisThread(syntheticSource(249, 5, 4), {
      ...SMALL,
      epochs: 1,
      tune: 'pairs',
    });
    expect(notes.join(' ')).toContain('too few pairs');
    expect(options).toMatchObject({ ccaShare: 0.2, posteriorShare: 0.2, semanticShare: 0.2 });
  });

  it('resumes from a checkpoint without choosing again', async () => {
    const source = syntheticSource(250, 4, 7);
    const options = { ...SMALL, epochs: 3, tune: 'pairs' } as const;
    const checkpoints: Uint8Array[] = [];
    const whole = await trainInThisThread(source, options, {
      checkpointEvery: 1,
      onCheckpoint: (bytes) => void checkpoints.push(bytes),
    });
    const messages: string[] = [];
    const resumed = await trainInThisThread(source, options, {
      ...(checkpoints[0] && { resumeFrom: checkpoints[0] }),
      onProgress: (progress) => void (progress.kind === 'prepare' && messages.push(progress.message)),
    });
    expect(Buffer.from(resumed.bytes).equals(Buffer.from(whole.bytes))).toBe(true);
    expect(messages.join(' ')).not.toContain('choosing');
  });
});
