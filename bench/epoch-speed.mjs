// The time of a training epoch on the WebAssembly backend, with the product's matrix kernels and with those that
// TensorFlow.js ships. Both are measured in one run, in alternating epochs. Run it after `npm run build`:
//
//   node bench/epoch-speed.mjs [EPOCHS]
//
// 2173 pairs with 1280 and 512 features, a code of 64, the layers of the `paper` preset. Two sizes: all features, and the 256
// principal components that the preset uses.
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { createRandom, normals } from '../dist/encoder/math/random.js';
import { createMemberTraining } from '../dist/encoder/training/member-training.js';
import { resolveTrainOptions } from '../dist/encoder/training/presets.js';
import { loadTensorBackend } from '../dist/platform/tensor-backend.js';

const PAIRS = 2173;
const FEATURES = { image: 1280, text: 512 };
const CODE = 64;
const CLASSES = 10;
const rounds = Number(process.argv[2] ?? 3);

// The shipped kernels, before the product's own kernels replace them.
const KERNELS = [tf.BatchMatMul, tf._FusedMatMul];
const require = createRequire(import.meta.url);
setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
await tf.setBackend('wasm');
const shipped = KERNELS.map((name) => tf.getKernel(name, 'wasm'));
const { backend, version } = await loadTensorBackend();
if (backend !== 'wasm')
  throw new Error(`this machine trains on the ${backend} backend: this benchmark needs wasm`);
const ours = KERNELS.map((name) => tf.getKernel(name, 'wasm'));

function use(kernels) {
  for (const kernel of kernels) {
    tf.unregisterKernel(kernel.kernelName, 'wasm');
    tf.registerKernel(kernel);
  }
}

function training(components) {
  const random = createRandom(1);
  const width = (features) => Math.min(features, components);
  const matrix = (columns, rows = PAIRS) => ({ data: normals(rows * columns, 1, random), rows, columns });
  const pairs = {
    image: matrix(width(FEATURES.image)),
    text: matrix(width(FEATURES.text)),
    labels: Int32Array.from({ length: PAIRS }, (_, i) => i % CLASSES),
  };
  const options = resolveTrainOptions({ preset: 'paper', dimension: CODE, epochs: 1000, validation: 0 });
  const source = {
    training: pairs,
    validation: null,
    classes: CLASSES,
    classEmbeddings: matrix(CLASSES - 1, CLASSES + 1),
  };
  return createMemberTraining(source, options, {
    member: 0,
    epochs: options.epochs,
    codeWidth: CODE,
    linear: null,
  });
}

function time(member, kernels) {
  use(kernels);
  const start = performance.now();
  const used = process.cpuUsage();
  member.runEpoch();
  const { user, system } = process.cpuUsage(used);
  return { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6 };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const medians = (times) => ({ wall: median(times.map((t) => t.wall)), cpu: median(times.map((t) => t.cpu)) });
const results = [];
for (const components of [FEATURES.image, 256]) {
  const member = training(components);
  const seconds = { ours: [], shipped: [] };
  // The first epoch also compiles the kernels.
  time(member, ours);
  const before = tf.memory().numTensors;
  for (let i = 0; i < rounds; i += 1) {
    seconds.ours.push(time(member, ours));
    seconds.shipped.push(time(member, shipped));
  }
  const tensorsKept = tf.memory().numTensors - before;
  member.dispose();
  const [fast, slow] = [medians(seconds.ours), medians(seconds.shipped)];
  const ratio = { wall: slow.wall / fast.wall, cpu: slow.cpu / fast.cpu };
  results.push({ components, seconds, ours: fast, shipped: slow, ratio, tensorsKept });
}

console.log(`${PAIRS} pairs, code ${CODE}, tfjs wasm ${version}, medians of ${rounds} epochs, seconds`);
console.log('If the machine runs other work, compare the processor times (cpu), not the wall times.');
console.log('image/text    time      ours   shipped   ratio');
const cell = (x, digits, width) => x.toFixed(digits).padStart(width);
for (const { components, ours: fast, shipped: slow, ratio } of results) {
  const sizes = `${Math.min(FEATURES.image, components)}/${Math.min(FEATURES.text, components)}`;
  for (const time of ['wall', 'cpu']) {
    console.log(
      `${sizes.padEnd(13)} ${time.padEnd(4)} ${cell(fast[time], 2, 9)} ${cell(slow[time], 2, 9)} ${cell(ratio[time], 1, 7)}`,
    );
  }
}
await mkdir('bench/results', { recursive: true });
await writeFile(
  'bench/results/epoch-speed.json',
  JSON.stringify(
    { pairs: PAIRS, code: CODE, version, cpu: cpus()[0]?.model, node: process.version, results },
    null,
    2,
  ),
);
