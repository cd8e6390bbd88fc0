/** One training step: the loss terms in use, the gradient of their weighted sum, the update of the parameters. */
import { tf } from '../../platform/tfjs.js';
import { reverseGradient } from '../network/layers.js';
import {
  adversaryLoss,
  classCosineLoss,
  contrastiveLoss,
  cosines,
  discriminatorAccuracy,
  reconstructionLoss,
  semanticsLoss,
  similarityLoss,
} from '../network/losses.js';
import { classify, decode, discriminate, encode, type Network, partsNeeded } from '../network/network.js';
import { adamStep, type Pace, publish } from '../network/optimiser.js';
import type { LossWeights, TrainOptions } from '../types.js';
import type { Batch } from './batch.js';

/** A loss term and its weight in the objective. */
interface Term {
  readonly loss: tf.Scalar;
  readonly weight: number;
  /** Of the adversary: the share of codes that the discriminator classifies correctly. */
  readonly accuracy?: tf.Scalar;
}
type Terms = Partial<Record<keyof LossWeights, Term>>;

/**
 * The loss terms in use, for one batch. Call it inside a tidy.
 *
 * @param adversary the weight of the adversary in this step
 */
function lossTerms(network: Network, batch: Batch, adversary: number): Terms {
  const { options } = network;
  const { weights } = options;
  const image = encode(network, 'IMAGE', batch.noisyImage, batch.masks.IMAGE);
  const text = encode(network, 'TEXT', batch.noisyText, batch.masks.TEXT);
  const needed = partsNeeded(options, network.shape);
  const terms: Terms = {};

  if (weights.similarity > 0) {
    terms.similarity = { loss: similarityLoss(image, text), weight: weights.similarity };
  }
  if (needed.decoders) {
    const reconstruct = (code: tf.Tensor2D) => {
      const input = batch.classEmbeddings ? tf.concat2d([code, batch.classEmbeddings], 1) : code;
      return { image: decode(network, 'IMAGE', input), text: decode(network, 'TEXT', input) };
    };
    terms.reconstruction = {
      loss: reconstructionLoss(batch.image, batch.text, reconstruct(image), reconstruct(text)),
      weight: weights.reconstruction,
    };
  }
  if (needed.discriminator) {
    const logits = (code: tf.Tensor2D) => discriminate(network, reverseGradient(code, adversary));
    // The weight of the term is 1, because the discriminator minimises L_adv. The reversal applies λ for the encoders.
    const [imageLogits, textLogits] = [logits(image), logits(text)];
    terms.adversary = {
      loss: adversaryLoss(imageLogits, textLogits),
      weight: 1,
      accuracy: discriminatorAccuracy(imageLogits, textLogits),
    };
  }
  if (batch.classTargets) {
    terms.semantics = {
      loss: semanticsLoss(
        classify(network, image),
        classify(network, text),
        batch.classTargets,
        batch.labelled,
      ),
      weight: weights.semantics,
    };
  }
  if (batch.pairTargets || batch.sameClassTargets || batch.sameClass) {
    const similarity = cosines(image, text);
    if (batch.pairTargets) {
      terms.pairContrast = {
        loss: contrastiveLoss(similarity, batch.pairTargets, options.pairTemperature, batch.size),
        weight: weights.pairContrast,
      };
    }
    if (batch.sameClassTargets) {
      terms.classContrast = {
        loss: contrastiveLoss(similarity, batch.sameClassTargets, options.classTemperature, batch.labelled),
        weight: weights.classContrast,
      };
    }
    if (batch.sameClass && batch.bothLabelled) {
      terms.classCosine = {
        loss: classCosineLoss(similarity, batch.sameClass, batch.bothLabelled),
        weight: weights.classCosine,
      };
    }
  }
  return terms;
}

export interface StepResult {
  /** Each term without its weight, by name. */
  readonly losses: Readonly<Record<string, number>>;
  /** Null where the adversary is off. */
  readonly discriminatorAccuracy: number | null;
  /** By parameter name; parameters that no term in use depends on are missing. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** The weight of the adversary after a share of the steps, 0 to 1; see `adversaryRamp`. */
export function adversaryWeight({ weights, adversaryRamp }: TrainOptions, progress: number): number {
  if (adversaryRamp === 0) return weights.adversary;
  return weights.adversary * (2 / (1 + Math.exp(-adversaryRamp * progress)) - 1);
}

/**
 * The losses and gradients of one batch as plain numbers. It leaves no tensors behind.
 *
 * @param progress the share of the steps done, 0 to 1
 */
export function computeGradients(network: Network, batch: Batch, progress: number): StepResult {
  const adversary = adversaryWeight(network.options, progress);
  const losses: Record<string, number> = {};
  let accuracyValue: number | null = null;
  const gradients = new Map<string, Float32Array>();
  tf.tidy(() => {
    const variables = [...network.parameters.values()].map((parameter) => parameter.variable);
    const { grads } = tf.variableGrads(() => {
      let total: tf.Scalar | null = null;
      for (const [name, { loss, weight, accuracy }] of Object.entries(lossTerms(network, batch, adversary))) {
        losses[name] = loss.dataSync()[0] as number;
        if (accuracy) accuracyValue = accuracy.dataSync()[0] as number;
        const weighted = weight === 1 ? loss : tf.mul<tf.Scalar>(loss, weight);
        total = total === null ? weighted : tf.add<tf.Scalar>(total, weighted);
      }
      // A batch without any class, where only class terms are on, gives a gradient of 0.
      return total ?? tf.mul<tf.Scalar>(tf.sum(variables[0] as tf.Tensor), 0);
    }, variables);
    for (const { name, variable } of network.parameters.values()) {
      const gradient = grads[variable.name];
      if (gradient) gradients.set(name, gradient.dataSync() as Float32Array);
    }
  });
  return { losses, discriminatorAccuracy: accuracyValue, gradients };
}

/**
 * Updates every parameter that has a gradient.
 *
 * @param step from 1
 */
export function applyGradients(network: Network, { gradients }: StepResult, step: number, pace: Pace): void {
  for (const [name, gradient] of gradients) {
    const parameter = network.parameters.get(name);
    if (!parameter) continue;
    adamStep(parameter, gradient, step, pace, network.options.weightDecay);
    publish(parameter);
  }
}
