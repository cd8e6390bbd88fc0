import { beforeAll, describe, expect, it } from 'vitest';
import { dot, unit } from '../../src/domain/vectors.js';
import { createEncoder } from '../../src/encoder/inference/create-encoder.js';
import type { EncoderParameters } from '../../src/encoder/inference/parameters.js';
import { loadEncoder, loadParameters, saveEncoder } from '../../src/encoder/inference/serialise.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { fitNameMap } from '../../src/encoder/training/name-map.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import { type PreparedSource, prepareSource } from '../../src/encoder/training/training-data.js';
import type { SourceSet } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { SMALL_TRAINING } from './encoder-source.js';

const CLASSES = { seen: 30, unseen: 10 };
const HIDDEN = 4;

interface World {
  readonly source: SourceSet;
  /** Text features of the names of the seen classes, then of the unseen ones. */
  readonly names: readonly Float32Array[];
  /** Images of unseen classes. */
  readonly unseen: readonly { readonly image: Float32Array; readonly label: number }[];
}

/**
 * Classes are points of a hidden space. A name shows its point in other columns than captions do, so that what captions teach does not
 * place names.
 */
function world(): World {
  const random = createRandom(7);
  const normal = (n: number, scale = 1) => Float32Array.from({ length: n }, () => scale * random.normal());
  const all = CLASSES.seen + CLASSES.unseen;
  const points = Array.from({ length: all }, () => normal(HIDDEN, 1.5));
  const view = (width: number) => {
    const weights = Array.from({ length: width }, () => normal(HIDDEN));
    return (z: Float32Array) => Float32Array.from(weights, (w) => dot(w, z) + 0.2 * random.normal());
  };
  const [picture, caption, name] = [view(20), view(12), view(12)];
  const near = (label: number) => (points[label] as Float32Array).map((x) => x + 0.4 * random.normal());
  const join = (a: Float32Array, b: Float32Array) => Float32Array.from([...a, ...b]);
  const pairs = Array.from({ length: CLASSES.seen * 8 }, (_, i) => {
    const label = i % CLASSES.seen;
    const z = near(label);
    // A caption says a little of the name of its class, as captions do.
    return {
      label,
      image: picture(z),
      text: join(
        caption(z),
        name(z).map((x) => 0.3 * x),
      ),
    };
  });
  const names = points.map((z) => join(normal(12, 0.1), name(z)));
  return {
    source: {
      image: gather(pairs.map(({ image }) => image)),
      text: gather(pairs.map(({ text }) => text)),
      labels: Int32Array.from(pairs, ({ label }) => label),
      classNames: names.slice(0, CLASSES.seen).map((_, i) => `class ${i}`),
      classEmbeddings: gather(names.slice(0, CLASSES.seen)),
      classEmbeddingKind: 'name',
    },
    names,
    unseen: Array.from({ length: CLASSES.unseen * 10 }, (_, i) => {
      const label = CLASSES.seen + (i % CLASSES.unseen);
      return { label, image: picture(near(label)) };
    }),
  };
}

describe('the name map', () => {
  const { source, names, unseen } = world();
  let parameters: EncoderParameters;
  let prepared: PreparedSource;

  beforeAll(async () => {
    await loadTensorBackend();
    const trained = await trainInThisThread(source, SMALL_TRAINING);
    parameters = loadParameters(trained.bytes);
    prepared = prepareSource(source, resolveTrainOptions(SMALL_TRAINING));
  });

  it('solves the normal equations of a ridge regression from names to the means of the classes', () => {
    const layer = fitNameMap(parameters, prepared, source.classEmbeddings as Matrix);
    const plain = createEncoder({ ...parameters, nameMap: null });
    const targets = Array.from({ length: CLASSES.seen }, (_, label) => {
      const sum = plain.embed('TEXT', names[label] as Float32Array);
      source.labels.forEach((of, row) => {
        if (of !== label) return;
        const image = plain.embed('IMAGE', rowOf(source.image as Matrix, row));
        const text = plain.embed('TEXT', rowOf(source.text as Matrix, row));
        sum.forEach((_, j) => {
          sum[j] = (sum[j] as number) + (image[j] as number) + (text[j] as number);
        });
      });
      return unit(sum);
    });
    const { mean, inverseDeviation, clip, basis, offset } = parameters.sides.TEXT.normalisation;
    const components = names.slice(0, CLASSES.seen).map((feature) =>
      Float64Array.from(offset, (shift, j) =>
        feature.reduce((sum, x, i) => {
          const z = (x - (mean[i] as number)) * (inverseDeviation[i] as number);
          return sum + Math.max(-clip, Math.min(clip, z)) * (basis.data[i * basis.columns + j] as number);
        }, -shift),
      ),
    );
    const [x, y] = [centred(components), centred(targets)];
    const square =
      x.reduce((sum, row) => sum + row.reduce((all, value) => all + value ** 2, 0), 0) / x.length;
    const [p, d] = [basis.columns, y[0]?.length ?? 0];
    const weight = (i: number, k: number) => layer?.weights.data[i * d + k] as number;
    for (let j = 0; j < p; j += 1) {
      for (let k = 0; k < d; k += 1) {
        let [left, right] = [square * weight(j, k), 0];
        x.forEach((row, c) => {
          const predicted = row.reduce((sum, value, i) => sum + value * weight(i, k), 0);
          left += (row[j] as number) * predicted;
          right += 2 * (row[j] as number) * (y[c]?.[k] as number);
        });
        expect(left).toBeCloseTo(right, 3);
      }
    }
  });

  it('puts the names of unseen classes nearer to their images', () => {
    const top1 = (encoder: ReturnType<typeof createEncoder>) => {
      const prototypes = names.map((name) => encoder.embedName(name));
      const right = unseen.filter(({ image, label }) => {
        const embedding = encoder.embed('IMAGE', image);
        const scores = prototypes.map((prototype) => dot(embedding, prototype)).slice(CLASSES.seen);
        return scores.indexOf(Math.max(...scores)) === label - CLASSES.seen;
      });
      return right.length / unseen.length;
    };
    const [without, withMap] = [createEncoder({ ...parameters, nameMap: null }), createEncoder(parameters)];
    expect(top1(withMap)).toBeGreaterThan(top1(without) + 0.1);
  });

  it('changes names only, and only where there is one', () => {
    const name = names[0] as Float32Array;
    const [without, withMap] = [createEncoder({ ...parameters, nameMap: null }), createEncoder(parameters)];
    expect(withMap.embed('TEXT', name)).toEqual(without.embed('TEXT', name));
    expect(without.embedName(name)).toEqual(without.embed('TEXT', name));
    expect(dot(withMap.embedName(name), withMap.embedName(name))).toBeCloseTo(1, 5);
    expect(withMap.embedName(name)).not.toEqual(withMap.embed('TEXT', name));
    expect(() => withMap.embedName(new Float32Array(3))).toThrowError(
      expect.objectContaining({ code: 'WRONG_DIMENSION' }),
    );
  });

  it('is stored with the encoder', () => {
    const loaded = loadEncoder(saveEncoder(parameters));
    const name = names[0] as Float32Array;
    expect(loaded.embedName(name)).toEqual(createEncoder(parameters).embedName(name));
    const { nameMap } = parameters;
    if (nameMap == null) throw new Error('the encoder has no name map');
    const columns = nameMap.weights.columns - 1;
    const narrow = {
      ...nameMap,
      weights: {
        data: nameMap.weights.data.slice(0, nameMap.weights.rows * columns),
        rows: nameMap.weights.rows,
        columns,
      },
      bias: nameMap.bias.slice(0, columns),
    };
    expect(() => loadParameters(saveEncoder({ ...parameters, nameMap: narrow }))).toThrowError(
      expect.objectContaining({ code: 'BAD_MODEL' }),
    );
  });

  it('does not exist with few classes, or where the class embeddings are not of names', async () => {
    const few = source.labels.map((label) => label % 9);
    expect(
      fitNameMap(
        parameters,
        { ...prepared, pairs: { ...prepared.pairs, labels: few } },
        source.classEmbeddings as Matrix,
      ),
    ).toBeNull();
    const trained = await trainInThisThread({ ...source, classEmbeddingKind: 'text-mean' }, SMALL_TRAINING);
    expect(loadParameters(trained.bytes).nameMap).toBeNull();
  });
});

function centred(rows: readonly ArrayLike<number>[]): number[][] {
  const width = rows[0]?.length ?? 0;
  const mean = Array.from(
    { length: width },
    (_, j) => rows.reduce((sum, row) => sum + (row[j] as number), 0) / rows.length,
  );
  return rows.map((row) => mean.map((m, j) => (row[j] as number) - m));
}
