/**
 * Every term of the objective, unweighted, as a mean over the batch. Codes are [b, d]; the first of two is the image's.
 *
 * The paper is Xu, Song, Lu, Yang, Shen and Huang, "Modal-adversarial Semantic Learning Network for Extendable
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

/** Both modalities' features, rebuilt from the codes of one. */
export interface Reconstruction {
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
}

/** L_rec = L_I + L_T of the paper: from each modality's code, both modalities' features. */
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
 * L_adv of the paper: sigmoid cross-entropy of the discriminator's logits, over images (target 1) and texts (target 0).
 * The codes come through `reverseGradient`, so lowering it trains the discriminator and raises it for the encoders.
 */
export function adversaryLoss(imageLogits: tf.Tensor2D, textLogits: tf.Tensor2D): tf.Scalar {
  return tf.div(tf.add(tf.mean(tf.softplus(tf.neg(imageLogits))), tf.mean(tf.softplus(textLogits))), 2);
}

/** Share of the codes, of both modalities together, that the discriminator's logits put on the right side. No gradient. */
export function discriminatorAccuracy(imageLogits: tf.Tensor2D, textLogits: tf.Tensor2D): tf.Scalar {
  const share = (right: tf.Tensor) => tf.mean(tf.cast(right, 'float32'));
  return tf.div(tf.add(share(tf.greater(imageLogits, 0)), share(tf.less(textLogits, 0))), 2);
}

/**
 * L_dis of the paper: mean of the two modalities' cross-entropies against the class, over the pairs that have one.
 *
 * @param targets [b, C]; rows of pairs without a class are 0
 * @param labelled how many pairs have a class
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
 * InfoNCE and supervised contrastive loss in one: cross-entropy of the softmax over a row of cosines against that row of
 * targets, the mean of both directions. With the identity as targets it is InfoNCE over pairs (van den Oord et al. 2018;
 * both directions as in Radford et al. 2021); with same-class indicators, rows summing to 1, the supervised contrastive loss
 * (Khosla et al. 2020) across modalities.
 *
 * @param targets [b, b]; symmetric up to the rows' scale
 * @param rows how many rows have targets
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
 * Mean over image–text couples of (cosine − same class)² (after the pairwise similarity terms that Wang et al. 2016 survey).
 *
 * @param sameClass [b, b] of 0 and 1
 * @param counted [b, b] of 0 and 1: 0 where either side has no class
 */
export function classCosineLoss(
  similarity: tf.Tensor2D,
  sameClass: tf.Tensor2D,
  counted: tf.Tensor2D,
): tf.Scalar {
  const errors = tf.mul(tf.squaredDifference(similarity, sameClass), counted);
  return tf.div(tf.sum(errors), tf.maximum(tf.sum(counted), 1));
}
