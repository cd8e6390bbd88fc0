import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Installs a package that stands in for native TensorFlow: its backend has the name of the native one and runs the kernels of
 * WebAssembly. It counts matrix products in `globalThis.products`. If it is broken, its matrix products are 0.
 *
 * @param modules a folder for NODE_PATH
 */
export async function installStandIn(
  modules: string,
  name: 'tfjs-node' | 'tfjs-node-gpu',
  { broken = false } = {},
): Promise<void> {
  const folder = join(modules, '@tensorflow', name);
  await mkdir(join(folder, 'lib'), { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name, version: '4.22.0', main: 'index.js' }),
  );
  await writeFile(
    join(folder, 'index.js'),
    `const tf = require('@tensorflow/tfjs-core');
const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
setWasmPaths(require('node:path').dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
globalThis.products = 0;
tf.registerBackend('tensorflow', tf.findBackendFactory('wasm'));
for (const kernel of tf.getKernelsForBackend('wasm')) {
  const isProduct = kernel.kernelName === 'BatchMatMul';
  const kernelFunc = (call) => {
    if (isProduct) globalThis.products += 1;
    const out = kernel.kernelFunc(call);
    if (isProduct && ${broken}) call.backend.typedArrayFromHeap(out).fill(0);
    return out;
  };
  tf.registerKernel({ ...kernel, backendName: 'tensorflow', kernelFunc });
}
`,
  );
}
