/**
 * The terms of the objective, without their weights λ, as means over the batch. Codes are [b, d]; of two codes, the first is
 * the image's.
 *
 * "The paper" is Xu, Song, Lu, Yang, Shen and Huang, "Modal-adversarial Semantic Learning Network for Extendable
 * Cross-modal Retrieval", ICMR 2018.
 */
import { tf } from '../../platform/tfjs.js';
import { crossEntropy, unitRows } from './layers.js';

/** Mean over the rows of ‖a − b‖². */
function squaredDistance(a: tf.Tensor2D, b: tf.Tensor2D): tf.Scalar {
  return tf.div(tf.sum(tf.squaredDifference(a, b)), a.shape[0]) as tf.Scalar;
}

/** L_corr of the paper: mean ‖f_v(v) − f_t(t)‖². */
export function similarityLoss(imageCode: tf.Tensor2D, textCode: tf.Tensor2D): tf.Scalar {
  return squaredDistance(imageCode, textCode);
}

/** The reconstructions of both modalities' features from the code of one modality, each [b, components]. */
export interface Reconstruction {
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
}

/** L_rec = L_I + L_T of the paper: the four reconstructions, two from each modality's code. */
export function reconstructionLoss(
  image: tf.Tensor2D,
  text: tf.Tensor2D,
  fromImage: Reconstruction,
  fromText: Reconstruction,
): tf.Scalar {
  const branch = (r: Reconstruction) =>
    tf.add(squaredDistance(image, r.image), squaredDistance(text, r.text));
  return tf.add(branch(fromImage), branch(fromText));
}

/**
 * L_adv of the paper: sigmoid cross-entropy of the discriminator's logits, over images (target 1) and texts (target 0). The
 * codes pass through `reverseGradient`, so a minimising step of the discriminator is a maximising step of the encoders.
 *
 * @param imageLogits [b, 1]
 * @param textLogits [b, 1]
 */
export function adversaryLoss(imageLogits: tf.Tensor2D, textLogits: tf.Tensor2D): tf.Scalar {
  return tf.div(tf.add(tf.mean(tf.softplus(tf.neg(imageLogits))), tf.mean(tf.softplus(textLogits))), 2);
}

/** Share of the codes, mean of both modalities, that the discriminator classifies correctly. It has no gradient. */
export function discriminatorAccuracy(imageLogits: tf.Tensor2D, textLogits: tf.Tensor2D): tf.Scalar {
  const share = (correct: tf.Tensor) => tf.mean(tf.cast(correct, 'float32'));
  return tf.div(tf.add(share(tf.greater(imageLogits, 0)), share(tf.less(textLogits, 0))), 2);
}

/**
 * L_dis of the paper: the mean of both modalities' cross-entropies against the class, over the pairs that have a class.
 *
 * @param targets [b, C]; rows of pairs without a class are 0
 * @param labelled number of pairs with a class
 */
export function semanticsLoss(
  imageLogits: tf.Tensor2D,
  textLogits: tf.Tensor2D,
  targets: tf.Tensor2D,
  labelled: number,
): tf.Scalar {
  const rows = Math.max(1, labelled);
  return tf.div(tf.add(crossEntropy(imageLogits, targets, rows), crossEntropy(textLogits, targets, rows)), 2);
}

/** Cosines between every image and every text of a batch: [b, b]. */
export function cosines(imageCode: tf.Tensor2D, textCode: tf.Tensor2D): tf.Tensor2D {
  return tf.matMul(unitRows(imageCode), unitRows(textCode), false, true);
}

/**
 * Cross-entropy of the softmax over each row of cosines against the row of targets, mean of both directions. With identity
 * targets it is InfoNCE over pairs (van den Oord et al. 2018; both directions as in Radford et al. 2021). With same-class
 * indicators whose rows sum to 1 it is the supervised contrastive loss (Khosla et al. 2020) across modalities.
 *
 * @param similarity [b, b]: cosines, row i of image i
 * @param targets [b, b]; symmetric up to the scale of the rows
 * @param rows number of rows with targets
 */
export function contrastiveLoss(
  similarity: tf.Tensor2D,
  targets: tf.Tensor2D,
  temperature: number,
  rows: number,
): tf.Scalar {
  const logits = tf.div(similarity, temperature) as tf.Tensor2D;
  const count = Math.max(1, rows);
  return tf.div(
    tf.add(crossEntropy(logits, targets, count), crossEntropy(tf.transpose(logits), targets, count)),
    2,
  );
}

/**
 * Mean over image–text combinations of (cosine − same class)² (after the pairwise similarity terms in the survey of Wang et
 * al. 2016).
 *
 * @param sameClass [b, b]: 1 for one class, 0 for different classes, values between for mixed pairs
 * @param counted [b, b]: 1 where both sides have a class, else 0
 */
export function classCosineLoss(
  similarity: tf.Tensor2D,
  sameClass: tf.Tensor2D,
  counted: tf.Tensor2D,
): tf.Scalar {
  const errors = tf.mul(tf.squaredDifference(similarity, sameClass), counted);
  return tf.div(tf.sum(errors), tf.maximum(tf.sum(counted), 1));
}
