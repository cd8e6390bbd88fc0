import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { installStandIn } from '../support/stand-in-backend.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

let modules: string;
beforeEach(async () => {
  modules = await mkdtemp(join(tmpdir(), 'commonspace-backend-'));
});
afterEach(async () => {
  await rm(modules, { recursive: true });
});

/** Trains a network in a process that finds packages in `modules`, too. */
async function train(): Promise<{ backend: string; reason: string; products: number; checkpoint: string }> {
  const script = `
    import { loadTensorBackend } from '${root}/dist/platform/tensor-backend.js';
    import { decodeCheckpoint } from '${root}/dist/encoder/training/checkpoint.js';
    import { trainInThisThread } from '${root}/dist/encoder/training/trainer.js';
    const numbers = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i));
    const matrix = (columns) => ({ data: numbers(40 * columns), rows: 40, columns });
    const source = { image: matrix(6), text: matrix(5), labels: new Int32Array(40).fill(-1), classNames: [],
      classEmbeddings: { data: new Float32Array(), rows: 0, columns: 0 } };
    const options = { dimension: 4, epochs: 1, members: 1, imageHidden: [8], textHidden: [8], ccaDimension: 4 };
    let checkpoint = '';
    const onCheckpoint = (bytes) => { checkpoint = decodeCheckpoint(bytes).backend; };
    const { backend, reason } = await loadTensorBackend();
    await trainInThisThread(source, options, { onCheckpoint });
    console.log(JSON.stringify({ backend, reason, products: globalThis.products ?? 0, checkpoint }));`;
  const env = { ...process.env, NODE_PATH: [modules, join(root, 'node_modules')].join(delimiter) };
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env });
  return JSON.parse(stdout);
}

it('trains on native TensorFlow where it is installed', async () => {
  await installStandIn(modules, 'tfjs-node');
  const trained = await train();
  expect(trained).toMatchObject({ backend: 'tfjs-node', checkpoint: 'tfjs-node' });
  expect(trained.products).toBeGreaterThan(20);
});

it('prefers the package for GPUs', async () => {
  await installStandIn(modules, 'tfjs-node');
  await installStandIn(modules, 'tfjs-node-gpu');
  expect((await train()).backend).toBe('tfjs-node-gpu');
});

it('trains on WebAssembly where native TensorFlow computes wrong results, and says why', async () => {
  await installStandIn(modules, 'tfjs-node', { broken: true });
  const trained = await train();
  expect(trained).toMatchObject({ backend: 'wasm', checkpoint: 'wasm' });
  expect(trained.reason).toContain('@tensorflow/tfjs-node 4.22.0 is installed but fails a trial operation');
});
