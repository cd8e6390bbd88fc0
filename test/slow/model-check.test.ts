import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelCheck } from '../../src/services/evaluate/model-check.js';
import { command } from '../support/command.js';
import { writeMetadata, writeShapesFolder } from '../support/shapes-folder.js';
import { saveOnnx, TINY_CLIP, TINY_SENTENCE } from '../support/tiny-onnx.js';

let folder: string;
let clip: string;
const shapes = () => join(folder, 'shapes');
const data = () => ['--data', join(folder, 'data'), '--json'];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-check-'));
  clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  await writeShapesFolder(shapes());
});
afterAll(() => rm(folder, { recursive: true }));

it('lists what is built in, configured and known', async () => {
  const { code, ...result } = await command(['models', ...data()], { COMMONSPACE_TEXT_MODEL: clip });
  expect(code).toBe(0);
  const { models } = result.json<{ models: { name: string; from: string; inUse: string[] }[] }>();
  const one = (name: string) => models.filter((model) => model.name === name);
  expect(one('hsv-hog')).toMatchObject([{ from: 'built-in', inUse: ['images'] }]);
  expect(one(clip)).toMatchObject([{ from: 'configuration', inUse: ['texts'] }]);
  expect(one('hf:Xenova/dinov2-small')).toMatchObject([
    { from: 'known', images: true, texts: false, licence: 'Apache-2.0', megabytes: 88 },
  ]);
});

it('measures a shared space without training, beside the built-in extractors', async () => {
  const { code, ...result } = await command(['models', 'check', clip, '--on', shapes(), ...data()]);
  expect(code).toBe(0);
  const check = result.json() as unknown as ModelCheck;
  expect(check.images).toMatchObject({ dimension: 5, items: 60 });
  expect(check.texts?.perSecond).toBeGreaterThan(0);
  const [zeroShot, builtIn, chance] = check.retrieval?.rows ?? [];
  expect(check.retrieval?.pairs).toBe(30);
  // The tiny model knows colours, of which there are six, and no shapes.
  expect(zeroShot?.recallAt10).toBeGreaterThan(0.9);
  expect(zeroShot?.mrrAt10).toBeGreaterThan(2 * (chance?.mrrAt10 ?? 1));
  expect(builtIn?.method).toBe('built-in extractors, CCA trained on 30 pairs');
  expect(chance?.recallAt10).toBeCloseTo(1 / 3, 5);
});

it('measures the speed of a model of one modality, and says that there is no retrieval', async () => {
  const name = await saveOnnx(join(folder, 'sentence'), TINY_SENTENCE);
  const { code, stdout } = await command([
    'models',
    'check',
    name,
    '--on',
    shapes(),
    '--rows',
    '20',
    '--data',
    join(folder, 'data'),
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/texts +sentence\.text@\w+ +3 +20 /);
  expect(stdout).toContain('share no space');
  expect(stdout).toContain('Note: The first 20 of 60 rows are used.');
});

it('refuses a folder without rows and a model without graphs', async () => {
  const empty = join(folder, 'empty');
  await writeShapesFolder(empty);
  await writeMetadata(empty, ['not json']);
  const none = await command(['models', 'check', clip, '--on', empty, ...data()]);
  expect(none.json()).toMatchObject({ error: { code: 'BAD_FOLDER' } });
  const nothing = await command(['models', 'check', `onnx:${empty}`, '--on', shapes(), ...data()]);
  expect(nothing.json()).toMatchObject({ error: { code: 'BAD_MODEL' } });
  expect(nothing.code).toBe(2);
});
