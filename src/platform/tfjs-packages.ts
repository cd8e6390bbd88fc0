import { createRequire } from 'node:module';

// Loaded by require, not import: for an imported CommonJS package, Node parses the source for its exports, which takes longer
// than running it (235 ms for these packages, against 76, in each thread). Loaded on demand, because the thread that serves
// requests uses no tensors.
const require = createRequire(import.meta.url);

/** Operations and their gradients, without a backend; see `loadTensorBackend`. */
export function tfCore(): typeof import('@tensorflow/tfjs-core') {
  // The core package registers no gradients. The layers package registers them when it is loaded.
  tfLayers();
  return require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
}

/** The package for layers models. */
export function tfLayers(): typeof import('@tensorflow/tfjs-layers') {
  return require('@tensorflow/tfjs-layers') as typeof import('@tensorflow/tfjs-layers');
}

/** The package for graph models. */
export function tfConverter(): typeof import('@tensorflow/tfjs-converter') {
  return require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
}

/** The wasm backend. It registers itself when it is loaded. */
export function tfWasm(): typeof import('@tensorflow/tfjs-backend-wasm') {
  return require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
}
