import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { FeatureExtractors } from '../../src/features/types.js';
import {
  type ModelFiles,
  saveOnnx,
  TINY_CLIP,
  TINY_SENTENCE,
  tinyUnknown,
  tinyVision,
} from '../support/tiny-onnx.js';

let folder: string;
let features: FeatureExtractors;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-onnx-'));
  await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
});
afterAll(async () => {
  await features.close();
  await rm(folder, { recursive: true });
});

const without = (files: ModelFiles, name: string): ModelFiles =>
  Object.fromEntries(Object.entries(files).filter(([path]) => path !== name));

describe('a model that cannot be used', () => {
  const refused = async (name: string, files: ModelFiles, as: 'openImage' | 'openText' = 'openImage') =>
    features[as](await saveOnnx(join(folder, name), files)).then(
      () => ({ code: 'no error', message: '', field: [] }),
      ({ code, message, field }) => ({ code, message, field }),
    );

  it('is refused by name of the file or field at fault', async () => {
    const preprocessor = TINY_CLIP['preprocessor_config.json'] as object;
    const altered = (changes: object) => ({
      ...TINY_CLIP,
      'preprocessor_config.json': { ...preprocessor, ...changes },
    });
    expect(await refused('no-tokenizer', without(TINY_CLIP, 'tokenizer.json'), 'openText')).toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining('tokenizer.json'),
    });
    expect(await refused('no-config', without(TINY_CLIP, 'config.json'))).toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining('config.json'),
    });
    expect(await refused('no-graph', without(TINY_SENTENCE, 'onnx/model.onnx'), 'openText')).toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining('onnx/text_model.onnx or onnx/model.onnx'),
    });
    expect(await refused('unknown', { ...TINY_CLIP, 'onnx/vision_model.onnx': tinyUnknown() })).toMatchObject(
      { code: 'BAD_MODEL', message: expect.stringMatching(/vision_model.*Conjure/) },
    );
    expect(
      await refused('not-onnx', { ...TINY_CLIP, 'onnx/vision_model.onnx': Buffer.from('<html>') }),
    ).toMatchObject({ code: 'BAD_MODEL', message: expect.stringContaining('vision_model.onnx') });
    expect(await refused('no-mean', altered({ image_mean: undefined }))).toMatchObject({
      code: 'BAD_MODEL',
      field: ['preprocessor_config.json', 'image_mean'],
    });
    expect(await refused('pad', altered({ do_pad: true }))).toMatchObject({
      field: ['preprocessor_config.json', 'do_pad'],
    });
    expect(await refused('crop', altered({ crop_size: 64 }))).toMatchObject({
      field: ['preprocessor_config.json', 'crop_size'],
    });
    expect(await refused('text-as-image', TINY_SENTENCE)).toMatchObject({
      message: expect.stringContaining('preprocessor_config.json'),
    });
    expect(
      await refused('tokenizer-odd', { ...TINY_CLIP, 'tokenizer.json': { model: {} } }, 'openText'),
    ).toMatchObject({ code: 'BAD_MODEL', message: expect.stringContaining('tokenizer.json') });
  });

  it('is refused if its towers have spaces of different dimension', async () => {
    const name = await saveOnnx(join(folder, 'uneven'), {
      ...TINY_CLIP,
      'onnx/vision_model.onnx': tinyVision(4),
    });
    await expect(createFeatureExtractors({ image: name, text: name, workers: 1 })).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/vision_model\.onnx.*4.*text_model\.onnx.*5/),
    });
  });

  it('is named in a malformed way', async () => {
    for (const name of ['onnx:', 'hf:one', 'hf:a/../b', 'hf:org/name@', 'onnx:/x#a/b'])
      await expect(features.openText(name)).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    await expect(features.openImage('hf:org/name')).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  });

  it('has a variant that does not exist', async () => {
    await writeFile(join(folder, 'clip', 'onnx', 'vision_model_int8.onnx'), tinyVision());
    await expect(features.openImage(`onnx:${join(folder, 'clip')}#int8`)).resolves.toMatchObject({
      dimension: 5,
    });
    await expect(features.openImage(`onnx:${join(folder, 'clip')}#q4`)).rejects.toMatchObject({
      message: expect.stringMatching(/vision_model_q4\.onnx.*there are.*vision_model_int8\.onnx/),
    });
  });
});

it('names the command that installs a missing package', async () => {
  const name = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawnSync(
    process.execPath,
    [
      '--import',
      './test/support/no-optional-packages.mjs',
      'dist/main.js',
      'doctor',
      '--data',
      join(folder, 'data'),
    ],
    { cwd: root, env: { ...process.env, COMMONSPACE_TEXT_MODEL: name }, encoding: 'utf8' },
  );
  expect(child.stderr).toMatch(/PACKAGE_MISSING/);
  expect(child.stderr).toContain(
    'ONNXRUNTIME_NODE_INSTALL=skip npm install --no-save onnxruntime-node @huggingface/tokenizers',
  );
  expect(child.status).toBe(2);
});
