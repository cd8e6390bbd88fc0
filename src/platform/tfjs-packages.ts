import { createRequire } from 'node:module';

// Required, not imported: of a CommonJS package that is imported, Node first looks through the source for what it exports, which
// takes longer than running it, in every thread anew (235 ms for these packages, against 76). And only where it is called
// for: the thread that serves requests has no use for tensors.
const require = createRequire(import.meta.url);

/** Operations and their gradients, without a backend; see `loadTensorBackend`. */
export function tfCore(): typeof import('@tensorflow/tfjs-core') {
  // The core package registers no gradients; this one does so as it loads.
  tfLayers();
  return require('@tensorflow/tfjs-core') as typeof import('@tensorflow/tfjs-core');
}

/** Loads models of layers. */
export function tfLayers(): typeof import('@tensorflow/tfjs-layers') {
  return require('@tensorflow/tfjs-layers') as typeof import('@tensorflow/tfjs-layers');
}

/** Loads models of operations. */
export function tfConverter(): typeof import('@tensorflow/tfjs-converter') {
  return require('@tensorflow/tfjs-converter') as typeof import('@tensorflow/tfjs-converter');
}

/** The wasm backend, which registers itself. */
export function tfWasm(): typeof import('@tensorflow/tfjs-backend-wasm') {
  return require('@tensorflow/tfjs-backend-wasm') as typeof import('@tensorflow/tfjs-backend-wasm');
}
