import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The `model.json` of a layers model: the means of the channels of a picture of `size` × `size`, then a dense layer `dense` whose
 * kernel, [3, units], is in `w.bin`.
 */
export function pooledModel(size: number, units: number): object {
  const layer = (class_name: string, name: string, config: object, from: readonly string[]) => ({
    class_name,
    name,
    config: { name, trainable: true, dtype: 'float32', ...config },
    inbound_nodes: from.map((source) => [[source, 0, 0, {}]]),
  });
  return {
    format: 'layers-model',
    modelTopology: {
      class_name: 'Model',
      config: {
        name: 'tiny',
        layers: [
          layer('InputLayer', 'image', { batch_input_shape: [null, size, size, 3], sparse: false }, []),
          layer('GlobalAveragePooling2D', 'pooled', { data_format: 'channels_last' }, ['image']),
          layer('Dense', 'dense', { units, use_bias: false, activation: 'linear' }, ['pooled']),
        ],
        input_layers: [['image', 0, 0]],
        output_layers: [['dense', 0, 0]],
      },
      keras_version: '2.4.0',
      backend: 'tensorflow',
    },
    weightsManifest: [
      { paths: ['w.bin'], weights: [{ name: 'dense/kernel', shape: [3, units], dtype: 'float32' }] },
    ],
  };
}

/**
 * Writes a tfjs model that runs in milliseconds and whose features an encoder can learn from: the weighted means of an image's
 * channels, joined with the features of hsv-hog.
 *
 * @returns its name: `dir:FOLDER`
 */
export async function saveTinyModel(
  folder: string,
  {
    name = 'tiny',
    weights = [3, 2, 1],
  }: { readonly name?: string; readonly weights?: readonly number[] } = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const kernel = Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? (weights[i / 4] ?? 1) : 0));
  const description = { name, version: '1', input: { width: 32, height: 32 }, join: true };
  await writeFile(join(folder, 'w.bin'), new Uint8Array(kernel.buffer));
  await writeFile(join(folder, 'model.json'), JSON.stringify(pooledModel(32, 3)));
  await writeFile(join(folder, 'commonspace-model.json'), JSON.stringify(description));
  return `dir:${folder}`;
}
