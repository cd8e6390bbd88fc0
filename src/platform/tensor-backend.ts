import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tfCore, tfWasm } from './tfjs-packages.js';

import { useFastTransposedMatMul } from './wasm-matmul.js';

type Tensors = ReturnType<typeof tfCore>;

/** The tensor library, with a backend chosen. One instance a thread. */
export interface TensorBackend {
  readonly tf: Tensors;
  readonly backend: 'tfjs-node' | 'wasm';
  /** Of the package that runs the kernels. */
  readonly version: string;
  /** One sentence: why this one. */
  readonly reason: string;
}

const NATIVE_PACKAGE = '@tensorflow/tfjs-node';
const WASM_PACKAGE = '@tensorflow/tfjs-backend-wasm';
const require = createRequire(import.meta.url);

let loading: Promise<TensorBackend> | undefined;

/**
 * The fastest backend that works here: native TensorFlow where `@tensorflow/tfjs-node` is installed and passes a trial,
 * WebAssembly otherwise. The pure JavaScript backend is never chosen: it is tens of times slower on networks.
 *
 * Loads once per thread, prints nothing, fetches nothing. Works in worker threads.
 */
export function loadTensorBackend(): Promise<TensorBackend> {
  loading ??= load();
  return loading;
}

async function load(): Promise<TensorBackend> {
  const tf = tfCore();
  const native = await tryNative(tf);
  if (typeof native !== 'string') return native;
  await useWasm(tf);
  const wrong = trial(tf);
  if (wrong !== null) throw new Error(`the wasm backend fails its trial operation: ${wrong}`);
  return { tf, backend: 'wasm', version: packageVersion(WASM_PACKAGE), reason: native };
}

/** The native backend, or one sentence that says why it was passed over. */
async function tryNative(tf: Tensors): Promise<TensorBackend | string> {
  const manifest = resolveOrNull(`${NATIVE_PACKAGE}/package.json`);
  if (manifest === null) return `${NATIVE_PACKAGE} is not installed, so WebAssembly runs the networks.`;
  const version = packageVersion(NATIVE_PACKAGE);
  // Importing it without its library costs half a second before it throws, in every worker thread: look first.
  if (!existsSync(join(dirname(manifest), 'lib'))) {
    return `${NATIVE_PACKAGE} ${version} is installed without its native library, so WebAssembly runs the networks.`;
  }
  try {
    // Not a literal: the package is optional, and the types must not need it.
    const name: string = NATIVE_PACKAGE;
    await import(name);
    if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend cannot be started');
    const wrong = trial(tf);
    if (wrong !== null) throw new Error(wrong);
  } catch (error) {
    const why = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    return `${NATIVE_PACKAGE} ${version} is installed but fails a trial operation (${why}), so WebAssembly runs the networks.`;
  }
  return {
    tf,
    backend: 'tfjs-node',
    version,
    reason: `${NATIVE_PACKAGE} is installed and passes a trial operation.`,
  };
}

async function useWasm(tf: Tensors): Promise<void> {
  const { setWasmPaths } = tfWasm();
  setWasmPaths(`${dirname(require.resolve(WASM_PACKAGE))}/`);
  // The module's start-up code listens for uncaught errors of the whole process only to throw them again,
  // which hides where they came from. A library has no business there.
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend cannot be started');
  await tf.ready();
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as 'uncaughtException')) {
      if (!before[i]?.has(listener)) process.removeListener(event, listener);
    }
  });
  useFastTransposedMatMul(tf);
}

/** A matrix product and its gradient, whose values are known. Null if they are right. */
function trial(tf: Tensors): string | null {
  const got = tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const b = tf.tensor2d([1, 0, 2, 1, 0, 3], [3, 2]);
    const gradient = tf.grad((x) => tf.sum(tf.square(tf.matMul(x, b))));
    return [...tf.matMul(a, b).dataSync(), ...gradient(a).dataSync()];
  });
  const want = [5, 11, 14, 23, 10, 42, 66, 28, 102, 138];
  return want.every((x, i) => Math.abs(x - (got[i] ?? Number.NaN)) < 1e-3)
    ? null
    : `a matrix product and its gradient came out as ${got.join(', ')}`;
}

function resolveOrNull(specifier: string): string | null {
  try {
    return require.resolve(specifier);
  } catch {
    return null;
  }
}

function packageVersion(name: string): string {
  const manifest = require(`${name}/package.json`) as { readonly version: string };
  return manifest.version;
}
