/** Operations of the training graph, with explicit gradients where those of TensorFlow.js are slow or missing. */
import { tf } from '../../platform/tfjs.js';

/** Added to a variance before the square root. */
export const VARIANCE_EPSILON = 1e-5;

/**
 * Batch normalisation without scale and shift: gives each column mean 0 and variance 1 over the batch (Ioffe and Szegedy
 * 2015). [b, n] → [b, n]. The gradient is dx = (dy − mean(dy) − x̂ · mean(dy · x̂)) / σ.
 */
export const standardise = tf.customGrad((x, save) => {
  const input = x as tf.Tensor2D;
  const mean = tf.mean(input, 0, true);
  const centred = tf.sub(input, mean);
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 0, true), VARIANCE_EPSILON));
  const value = tf.mul(centred, inverse);
  (save as tf.GradSaveFunc)([value, inverse]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
    const [hat, scale] = saved as [tf.Tensor2D, tf.Tensor2D];
    const along = tf.mul(hat, tf.mean(tf.mul(dy, hat), 0, true));
    return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, 0, true)), along), scale);
  };
  return { value, gradFunc };
}) as (x: tf.Tensor2D) => tf.Tensor2D;

/**
 * Gradient reversal (Ganin and Lempitsky 2015): the value is x, the gradient is multiplied by −strength. One backward pass
 * thus trains the discriminator to minimise L_adv and the encoders to maximise it.
 */
export function reverseGradient(x: tf.Tensor2D, strength: number): tf.Tensor2D {
  const reverse = tf.customGrad((input) => ({
    value: tf.clone(input as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, -strength),
  })) as (input: tf.Tensor2D) => tf.Tensor2D;
  return reverse(x);
}

/** Scales each row to unit norm: [b, n] → [b, n]. */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-12)));
}

/**
 * Cross-entropy of softmax(logits) against target distributions, summed over the rows and divided by `rows`. A row whose
 * targets are all 0 contributes nothing. The gradient is (softmax(logits) · Σ targets − targets) / rows.
 *
 * @param logits [b, n]
 * @param targets [b, n]
 */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D, rows: number): tf.Scalar {
  const f = tf.customGrad((z, save) => {
    const logProbabilities = tf.logSoftmax(z as tf.Tensor2D);
    (save as tf.GradSaveFunc)([logProbabilities]);
    const value = tf.div(tf.neg(tf.sum(tf.mul(logProbabilities, targets))), rows) as tf.Scalar;
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const expected = tf.mul(tf.exp(saved[0] as tf.Tensor2D), tf.sum(targets, 1, true));
      return tf.mul(tf.sub(expected, targets), tf.div(dy, rows));
    };
    return { value, gradFunc };
  }) as (z: tf.Tensor2D) => tf.Scalar;
  return f(logits);
}
