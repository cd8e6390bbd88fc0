import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { TensorBackend } from '../../platform/tensor-backend.js';
import type { Pixels } from '../types.js';

/** Pictures of one size as a tensor [images, height, width, 3] with values 0 to 255. The caller disposes it. */
export function pixelTensor(
  tf: TensorBackend['tf'],
  images: readonly Pixels[],
  height: number,
  width = height,
): Tensor4D {
  const each = height * width * 3;
  const values = new Float32Array(images.length * each);
  images.forEach(({ data }, i) => {
    values.set(data, i * each);
  });
  return tf.tensor4d(values, [images.length, height, width, 3]);
}
