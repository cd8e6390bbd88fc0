import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dot } from '../../src/domain/vectors.js';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import { loadImageExtractor } from '../../src/features/image/load-image-extractor.js';
import type { Pixels } from '../../src/features/types.js';
import { pooledModel } from '../support/tiny-model.js';

const SHARED = process.env.COMMONSPACE_SHARED ?? resolve(import.meta.dirname, '../../../shared');
const MOBILENET = join(SHARED, 'models', 'mobilenet-v2-imagenet');

const DESCRIPTION = {
  name: 'tiny',
  version: '1',
  input: { width: 8, height: 8, fit: 'contain' },
  scale: { mean: 127.5, std: 127.5 },
};

/** Top half of one colour, bottom half of another. */
function halves(top: readonly number[], bottom: readonly number[], size = 8): Pixels {
  const data = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i += 1) data.set(i < (size * size) / 2 ? top : bottom, i * 3);
  return { data, width: size, height: size };
}
const PICTURE = halves([255, 0, 0], [255, 255, 0]);
/** Means of PICTURE's channels, scaled: (1, 0, −1) and its direction. */
const PICTURE_FEATURE = [Math.SQRT1_2, 0, -Math.SQRT1_2];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-model-'));
});
afterEach(() => rm(folder, { recursive: true }));

const save = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value));
const load = (description = '') => loadImageExtractor(`dir:${folder}${description}`);
const extractOne = async (description = '') => {
  const extractor = await load(description);
  const [feature] = await extractor.extract([PICTURE]);
  extractor.dispose();
  return [...(feature as Float32Array)];
};

/** A graph that multiplies by a weight and averages over the picture: `scaled` [N, 8, 8, 3], `pooled` [N, 3]. */
async function saveGraph(weight = 1): Promise<void> {
  const float = { type: 'DT_FLOAT' };
  const node = (name: string, op: string, input: string[], attr: Record<string, unknown>) => ({
    name,
    op,
    input,
    attr,
  });
  const dims = [-1, 8, 8, 3].map((size) => ({ size: String(size) }));
  await save('model.json', {
    format: 'graph-model',
    modelTopology: {
      node: [
        node('image', 'Placeholder', [], { dtype: float, shape: { shape: { dim: dims } } }),
        node('weight', 'Const', [], {
          dtype: float,
          value: { tensor: { dtype: 'DT_FLOAT', tensorShape: {} } },
        }),
        node('axes', 'Const', [], {
          dtype: { type: 'DT_INT32' },
          value: { tensor: { dtype: 'DT_INT32', tensorShape: { dim: [{ size: '2' }] } } },
        }),
        node('scaled', 'Mul', ['image', 'weight'], { T: float }),
        node('pooled', 'Mean', ['scaled', 'axes'], { T: float, keep_dims: { b: false } }),
      ],
      versions: {},
    },
    weightsManifest: [
      {
        paths: ['a.bin', 'b.bin'],
        weights: [
          { name: 'weight', shape: [], dtype: 'float32' },
          { name: 'axes', shape: [2], dtype: 'int32' },
        ],
      },
    ],
  });
  await writeFile(join(folder, 'a.bin'), new Uint8Array(Float32Array.of(weight).buffer));
  await writeFile(join(folder, 'b.bin'), new Uint8Array(Int32Array.of(1, 2).buffer));
}

/** A layers model: average pooling over the picture, then a dense layer that doubles. */
async function saveLayers(): Promise<void> {
  await save('model.json', pooledModel(8, 2));
  await writeFile(join(folder, 'w.bin'), new Uint8Array(Float32Array.of(3, 0, 0, 0, 0, -4).buffer));
}

const expectClose = (got: readonly number[], want: readonly number[]) => {
  expect(got).toHaveLength(want.length);
  got.forEach((x, i) => {
    expect(x).toBeCloseTo(want[i] as number, 5);
  });
};

describe('a graph model on disk', () => {
  it('gives the configured output, with maps of activations averaged', async () => {
    await saveGraph();
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'pooled' });
    expectClose(await extractOne(), PICTURE_FEATURE);
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'scaled' });
    expectClose(await extractOne(), PICTURE_FEATURE);
  });

  it('scales the input as described, per channel if configured', async () => {
    await saveGraph();
    await save('commonspace-model.json', {
      ...DESCRIPTION,
      output: 'pooled',
      scale: { mean: [0, 0, 0], std: [255, 127.5, 1] },
    });
    expectClose(await extractOne(), [Math.SQRT1_2, Math.SQRT1_2, 0]);
  });

  it('is joined with colour and shape if configured', async () => {
    await saveGraph();
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'pooled', join: true });
    const joined = await extractOne();
    expect(joined).toHaveLength(3 + 816);
    expect(joined.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
    expectClose(
      joined.slice(0, 3),
      PICTURE_FEATURE.map((x) => x * Math.sqrt(0.7)),
    );
  });

  it('has an id that depends only on its weights and its description', async () => {
    await saveGraph();
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'pooled' });
    await save('other.json', { ...DESCRIPTION, output: 'scaled' });
    const id = async (description = '') => (await load(description)).info.id;
    const first = await id();
    expect(first).toMatch(/^tiny@1-[0-9a-f]{8}$/);
    expect(await id()).toBe(first);
    expect(await id(`#${join(folder, 'other.json')}`)).not.toBe(first);
    await saveGraph(2);
    expect(await id()).not.toBe(first);
  });
});

describe('a layers model on disk', () => {
  it('gives its own output or that of another layer', async () => {
    await saveLayers();
    await save('commonspace-model.json', DESCRIPTION);
    expectClose(await extractOne(), [3 / 5, 4 / 5]);
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'pooled' });
    expectClose(await extractOne(), PICTURE_FEATURE);
  });

  it('runs in the pool, and can have its description in another folder', async () => {
    await saveLayers();
    await save('elsewhere.json', DESCRIPTION);
    const features = await createFeatureExtractors({
      image: `dir:${folder}#${join(folder, 'elsewhere.json')}`,
      workers: 1,
    });
    try {
      expect(features.image).toMatchObject({ modality: 'IMAGE', dimension: 2, input: DESCRIPTION.input });
      const rows = await features.image.extract(Array<Pixels>(5).fill(PICTURE));
      expect(rows).toHaveLength(5);
      for (const row of rows) expectClose([...row], [3 / 5, 4 / 5]);
    } finally {
      await features.close();
    }
  });
});

describe('BAD_MODEL names the file and the field', () => {
  const refuses = async (message: RegExp, field: readonly string[] = []) => {
    await expect(load()).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(message),
      field,
    });
  };

  it('for a missing description, or one that is not JSON', async () => {
    await saveGraph();
    await refuses(/commonspace-model\.json: cannot be read \(ENOENT\)/);
    await writeFile(join(folder, 'commonspace-model.json'), '{ name: tiny }');
    await refuses(/commonspace-model\.json: is not JSON/);
  });

  it('for a field that is missing, of the wrong type, or unknown', async () => {
    await saveGraph();
    const { input: _input, ...withoutInput } = DESCRIPTION;
    await save('commonspace-model.json', withoutInput);
    await refuses(/commonspace-model\.json: input /, ['input']);
    await save('commonspace-model.json', { ...DESCRIPTION, input: { width: '8', height: 8 } });
    await refuses(/input\.width/, ['input', 'width']);
    await save('commonspace-model.json', { ...DESCRIPTION, outputs: 'pooled' });
    await refuses(/outputs/);
    await save('commonspace-model.json', { ...DESCRIPTION, scale: { mean: 0, std: 0 }, output: 'pooled' });
    await refuses(/scale\.std/, ['scale', 'std']);
  });

  it('for an output that the model does not have', async () => {
    await saveGraph();
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'embedding' });
    await refuses(/commonspace-model\.json: output is embedding,/, ['output']);
    await saveLayers();
    await refuses(/commonspace-model\.json: output is embedding,/, ['output']);
  });

  it('for an input size that the model does not accept', async () => {
    await saveLayers();
    await save('commonspace-model.json', { ...DESCRIPTION, input: { width: 16, height: 16 } });
    await refuses(/model\.json: cannot be run as .*commonspace-model\.json describes/);
  });

  it('for weights that are missing, truncated, or outside the folder', async () => {
    await saveGraph();
    await save('commonspace-model.json', { ...DESCRIPTION, output: 'pooled' });
    await writeFile(join(folder, 'b.bin'), new Uint8Array(3));
    await refuses(/model\.json: /);
    await rm(join(folder, 'b.bin'));
    await refuses(/b\.bin: does not exist/);
    const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
    json.weightsManifest[0].paths = ['../../etc/hostname'];
    await save('model.json', json);
    await refuses(/outside the folder/);
  });

  it('for a missing model, or another file under its name', async () => {
    await save('commonspace-model.json', DESCRIPTION);
    await refuses(/model\.json: cannot be read/);
    for (const other of [{}, null, [], { modelTopology: {}, weightsManifest: [] }, { modelTopology: null }]) {
      await save('model.json', other);
      await refuses(/model\.json: /);
    }
  });

  it('through the pool', async () => {
    await expect(createFeatureExtractors({ image: `dir:${folder}` })).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining(folder),
    });
  });
});

describe('ImageNet MobileNetV2', () => {
  it.skipIf(!existsSync(MOBILENET))(`loads from ${MOBILENET}, skipped if it does not exist`, async () => {
    await save('mobilenet.json', {
      name: 'mobilenet-v2-imagenet',
      version: '1',
      input: { width: 224, height: 224, fit: 'contain' },
      scale: { mean: 128, std: 128 },
      output: 'embedding',
    });
    const extractor = await loadImageExtractor(`dir:${MOBILENET}#${join(folder, 'mobilenet.json')}`);
    expect(extractor.info.dimension).toBe(1280);
    const red = halves([255, 0, 0], [255, 255, 0], 224);
    const blue = halves([0, 0, 255], [0, 60, 255], 224);
    const [a, b, again] = await extractor.extract([red, blue, red]);
    expect(dot(a as Float32Array, again as Float32Array)).toBeCloseTo(1, 5);
    expect(dot(a as Float32Array, b as Float32Array)).toBeLessThan(0.95);
    extractor.dispose();
  });
});
