import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { EncoderParameters } from '../../src/encoder/inference/parameters.js';
import { saveEncoder } from '../../src/encoder/inference/serialise.js';
import { gather } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { alignedEncoder, withAligned } from '../../src/encoder/training/aligned-branch.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { shapePairs } from '../factories/shapes.js';
import { openTestApp, QUICK, type TestApp } from '../support/app.js';
import { saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

vi.setConfig({ testTimeout: 120_000 });

/** Numbers of a feature of TINY_CLIP. */
const WIDTH = 5;

let folder: string;
let clip: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-first-'));
  clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
});
afterAll(() => rm(folder, { recursive: true }));

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

/** The model with a random map of each modality that has 90 % of the weight, as of a training that went wrong. */
function spoilt(): EncoderParameters {
  const none = gather([], WIDTH);
  const { sides } = alignedEncoder(fitSharedNormalisation(none, none, 0));
  const random = createRandom(5);
  const side = (of: (typeof sides)['IMAGE']) => ({
    ...of,
    branches: [
      {
        layers: [],
        skip: {
          weights: {
            data: Float32Array.from({ length: WIDTH * WIDTH }, () => random.normal()),
            rows: WIDTH,
            columns: WIDTH,
          },
          bias: new Float32Array(WIDTH),
          slope: 1,
        },
        head: null,
      },
    ],
  });
  return withAligned(
    {
      branchWeights: [1],
      posteriorWeights: [0],
      projection: null,
      norms: null,
      sides: { IMAGE: side(sides.IMAGE), TEXT: side(sides.TEXT) },
    },
    0.1,
  );
}

/** Ends a run whose training stored these parameters, as a resumed run does: it is measured, embedded and meets the gate. */
async function endRun(parameters: EncoderParameters, force: boolean) {
  const image = await app.features.openImage(clip);
  const text = await app.features.openText(clip);
  const { encoderRuns } = app.catalog;
  const run = await encoderRuns.begin({
    id: uuidv7(),
    imageExtractor: image.id,
    textExtractor: text.id,
    request: { ...QUICK, options: { tune: 'none' }, imageExtractor: clip, textExtractor: clip, force },
  });
  const config = {
    preset: 'default',
    space: image.space ?? '',
    alignedShare: 0.1,
    seed: 1,
    unseen: [],
    heldOutBelow: 2 ** 48,
    seenClassIds: [],
  };
  await encoderRuns.keepWeights(run, { dimension: 2 * WIDTH, config }, saveEncoder(parameters));
  await encoderRuns.release(run);
  return await app.training.resumeHere(run.row.id);
}

it('refuses a first encoder that retrieves worse than the model that it stands on', async () => {
  const pairs = await shapePairs();
  await app.ingest.ingest(
    pairs.flatMap(({ key, png, caption, colour }) => [
      { pairKey: key, classes: [colour], content: { bytes: png } },
      { pairKey: key, classes: [colour], content: { text: caption } },
    ]),
  );
  const refused = await endRun(spoilt(), false);
  expect(refused).toMatchObject({ activated: false });
  expect(refused.refusal).toMatch(
    /60 held-out pairs of seen classes its map is 0\.\d+, the untrained model's/,
  );
  expect(await app.training.active()).toBeNull();
  const row = await app.encoders.require(refused.encoder);
  expect(row).toMatchObject({
    state: 'ready',
    report: { promotion: { against: row.id, seen: { active: null }, learntByActive: 0 } },
  });
  await expect(app.encoders.activate(row.id, { force: false })).rejects.toMatchObject({
    code: 'BELOW_ACTIVE',
    field: ['id'],
  });
  await app.encoders.activate(row.id, { force: true });
  expect((await app.training.active())?.id).toBe(row.id);
  expect(app.unexpected).toEqual([]);
});

it('activates a first encoder that is the model as it is', async () => {
  const pairs = await shapePairs();
  await app.ingest.ingest(pairs.map(({ png }) => ({ content: { bytes: png } })));
  expect(await app.training.adopt({ model: clip, activate: false })).toMatchObject({ activated: true });
});
