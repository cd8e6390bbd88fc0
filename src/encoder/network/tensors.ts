/** Conversion between `Matrix` and tensors of the tensor backend. */
import { tf } from '../../platform/tfjs.js';
import type { Matrix } from '../math/matrix.js';

/** Copies a matrix into a new tensor of the same shape. The caller owns the tensor. */
export function toTensor({ data, rows, columns }: Matrix): tf.Tensor2D {
  return tf.tensor2d(data, [rows, columns]);
}

/** Copies a tensor into a matrix of the same shape and disposes the tensor. */
export function intoMatrix(tensor: tf.Tensor2D): Matrix {
  const [rows, columns] = tensor.shape;
  try {
    return { data: Float32Array.from(tensor.dataSync()), rows, columns };
  } finally {
    tensor.dispose();
  }
}
