import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { tfCore, tfWasm } from './tfjs-packages.js';
import { useFastTransposedMatMul } from './wasm-matmul.js';

type Tensors = ReturnType<typeof tfCore>;

/** The tensor library with its backend. Each thread has one instance. */
export interface TensorBackend {
  readonly tf: Tensors;
  readonly backend: 'tfjs-node-gpu' | 'tfjs-node' | 'wasm';
  /** Version of the backend's package. */
  readonly version: string;
  /** One sentence: why this backend is used. */
  readonly reason: string;
}

/** Preferred first. */
const NATIVE_BACKENDS = ['tfjs-node-gpu', 'tfjs-node'] as const;
const WASM_PACKAGE = '@tensorflow/tfjs-backend-wasm';
const require = createRequire(import.meta.url);

let loading: Promise<TensorBackend> | undefined;

/**
 * Loads the fastest backend that works: native TensorFlow if `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` is installed
 * and passes a trial operation, else WebAssembly. The JavaScript backend is not used, because it runs networks tens of times more slowly.
 *
 * Loads once per thread, including worker threads. Prints nothing and fetches nothing.
 */
export function loadTensorBackend(): Promise<TensorBackend> {
  loading ??= load();
  return loading;
}

async function load(): Promise<TensorBackend> {
  const tf = tfCore();
  const failures: string[] = [];
  for (const name of NATIVE_BACKENDS) {
    const native = await tryNative(tf, name);
    if (typeof native !== 'string') return native;
    // That the GPU package is missing is the rule, so only the other one is named.
    if (name === 'tfjs-node' || resolveOrNull(`@tensorflow/${name}/package.json`) !== null)
      failures.push(native);
  }
  await useWasm(tf);
  const wrong = trial(tf);
  if (wrong !== null) throw new Error(`the wasm backend fails its trial operation: ${wrong}`);
  return { tf, backend: 'wasm', version: packageVersion(WASM_PACKAGE), reason: failures.join(' ') };
}

/** A native backend, or one sentence that says why it is not used. */
async function tryNative(
  tf: Tensors,
  backend: (typeof NATIVE_BACKENDS)[number],
): Promise<TensorBackend | string> {
  const name = `@tensorflow/${backend}`;
  const manifest = resolveOrNull(`${name}/package.json`);
  if (manifest === null) return `${name} is not installed, so WebAssembly runs the networks.`;
  const version = packageVersion(name);
  // Without its library, loading takes half a second before it throws, in every worker thread. So check first.
  if (!existsSync(join(dirname(manifest), 'lib'))) {
    return `${name} ${version} is installed without its native library, so WebAssembly runs the networks.`;
  }
  try {
    require(name);
    if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend cannot be started');
    const wrong = trial(tf);
    if (wrong !== null) throw new Error(wrong);
  } catch (error) {
    const why = String(error instanceof Error ? error.message : error).split('\n', 1)[0];
    return `${name} ${version} is installed but fails a trial operation (${why}), so WebAssembly runs the networks.`;
  }
  return { tf, backend, version, reason: `${name} is installed and passes a trial operation.` };
}

async function useWasm(tf: Tensors): Promise<void> {
  const { setWasmPaths } = tfWasm();
  setWasmPaths(`${dirname(require.resolve(WASM_PACKAGE))}/`);
  // The module's start-up code adds process-wide listeners that rethrow uncaught errors, which hides their origin. They are
  // removed.
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

/** Computes a matrix product and its gradient, whose values are known. Returns null if they are correct. */
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
    : `a matrix product and its gradient are ${got.join(', ')}`;
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
