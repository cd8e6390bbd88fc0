import type { Matrix } from '../domain/matrix.js';
import type { Modality } from '../domain/modality.js';

/** What an encoder learns from: N pairs. Row i of `image` and of `text` describe the same thing. */
export interface SourceSet {
  /** [N, dv] */
  readonly image: Matrix;
  /** [N, dt] */
  readonly text: Matrix;
  /** [N]; index into the class names, −1 where a pair has no class. */
  readonly labels: Int32Array;
  /** Names of the classes; may be empty. */
  readonly classNames: readonly string[];
  /** [C, da]: the class embeddings, as `chooseClassEmbeddings` gives them; C may be 0. */
  readonly classEmbeddings: Matrix;
  /** What those were made of, to be recorded with the encoder; `name` where it is not given. */
  readonly classEmbeddingKind?: ClassEmbeddingKind | null;
}

/**
 * What class embeddings are made of: the classes' names (and descriptions) through the text extractor, the mean feature of
 * their texts in the source set, or nothing at all. `chooseClassEmbeddings` says when which.
 */
export type ClassEmbeddingKind = 'name' | 'text-mean' | 'one-hot';

/** The weight λ of each term; 0 switches the term off and saves its cost. */
export interface LossWeights {
  /** L_corr of the paper: squared distance between the two codes of a pair. */
  readonly similarity: number;
  /** L_rec of the paper: the four cross-modal reconstructions. */
  readonly reconstruction: number;
  /** L_dis of the paper: the softmax classifier shared by both modalities. */
  readonly semantics: number;
  /** L_adv of the paper: how much of the discriminator's gradient reaches the encoders, reversed. */
  readonly adversary: number;
  /** Beyond the paper: InfoNCE over pairs (van den Oord et al. 2018; Radford et al. 2021). */
  readonly pairContrast: number;
  /** Beyond the paper: supervised contrastive by class, across modalities (Khosla et al. 2020). */
  readonly classContrast: number;
  /** Beyond the paper: squared error between an image–text cosine and the same-class indicator (after Wang et al. 2016). */
  readonly classCosine: number;
}

/** Every choice of a training. Values that the paper does not give are ours; docs/decisions/0005-encoder.md says how they came. */
export interface TrainOptions {
  readonly preset: PresetName;
  readonly seed: number;
  /** Width of the whole embedding. */
  readonly dimension: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly weights: LossWeights;
  /**
   * Share of the source set's pairs held out for early stopping, 0 to 0.5. Of an ensemble only the first member holds pairs
   * out; the others learn from all of them, for as many epochs.
   */
  readonly validation: number;
  /** Epochs without a better validation figure after which training stops; 0 never stops early. */
  readonly patience: number;

  /** At most this many principal components of each modality's features. */
  readonly components: number;
  /** z-scores beyond ±clip are cut. */
  readonly clip: number;
  /** 1: z-score; 0: the extractor's own scale; between: between. */
  readonly scaling: number;

  /** Widths of the hidden layers. */
  readonly imageHidden: readonly number[];
  readonly textHidden: readonly number[];
  /** Width of the hidden layer of each decoder. */
  readonly decoderHidden: number;
  readonly discriminatorHidden: number;
  /** Slope of the leaky ReLU below zero. */
  readonly slope: number;
  readonly dropout: number;
  /** Deviation of the normal noise added to the components in training, in units of each one's own deviation. */
  readonly inputNoise: number;
  /** Share of a batch's pairs that are blended with another pair, images and texts by the same amount (Zhang et al. 2018). */
  readonly mixup: number;
  /** Networks trained one after another from different starts: an ensemble. */
  readonly members: number;
  /**
   * Width of each network's code; 0: as wide as the embedding. Codes that are wider together than the embedding are brought
   * down to it by their principal components over the source set.
   */
  readonly memberDimension: number;

  /** The peak of the one-cycle schedule (Smith and Topin 2018). */
  readonly learningRate: number;
  /** Decoupled (Loshchilov and Hutter 2019). */
  readonly weightDecay: number;
  /** Share of a class target that is spread over all classes (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
  readonly pairTemperature: number;
  readonly classTemperature: number;
  /** Share of the pair target that follows text–text similarity instead of the pair alone (after Gao et al. 2023). */
  readonly softTargets: number;
  readonly softTemperature: number;

  /** Regularisation of the CCA that the next three use, as a share of the mean variance. */
  readonly ccaRegularisation: number;
  /** Weight of a CCA branch beside the networks, 0 to 1: an ensemble with the linear map, for classes never seen. */
  readonly ccaShare: number;
  /** Width of that branch; 0: as wide as the embedding. */
  readonly ccaDimension: number;
  /** Each canonical variate is weighted by its correlation to this power (Gong et al. 2014). */
  readonly ccaPower: number;
  /** Weight of the networks' posteriors over the classes beside their codes, 0 to 1 (semantic matching: Rasiwasia et al. 2010). */
  readonly posteriorShare: number;
  /**
   * How much of its own length a code keeps in the embedding: 0 none, 1 all of it. A sure code is long and an unsure one short, so
   * that what is kept lets a gallery's sure items come first.
   */
  readonly codeLength: number;
  /** The same of a posterior; at 1 the inner product of two posteriors is the probability that their classes are the same. */
  readonly posteriorLength: number;
  /**
   * What is chosen on held-out rows before the training proper: regularisation, the shares and lengths above. `pairs` holds
   * out pairs of every class, for retrieval within the classes learnt from; `classes` whole classes, for classes never seen.
   */
  readonly tune: Tuning;

  /** A linear path beside each network, f(v) = W v + MLP(v), that starts as CCA and is trained on. */
  readonly ccaSkip: boolean;
}

/** What a caller may say; the rest comes from the preset. */
export type TrainOptionsInput = Partial<Omit<TrainOptions, 'weights'>> & {
  readonly weights?: Partial<LossWeights>;
};

export type Tuning = 'none' | 'pairs' | 'classes';

export type PresetName = 'paper' | 'default';

/** What JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** What one epoch of one network came to: a point of the training's curves. */
export interface EpochRecord {
  /** From 0: which network of the ensemble. */
  readonly member: number;
  /** From 1, of this network. */
  readonly epoch: number;
  /** Mean of each term over the epoch, unweighted, by its name in `LossWeights`. */
  readonly losses: Readonly<Record<string, number>>;
  /**
   * Share of codes, of both modalities, whose modality the discriminator told; .5 is guessing, which is what the encoders
   * work towards. Null where the adversary is off.
   */
  readonly discriminatorAccuracy: number | null;
  /** map@all (or MRR@10 where no pair has a class), mean of both directions, on the validation pairs; null without any. */
  readonly validation: number | null;
}

export type TrainProgress =
  | { readonly kind: 'prepare'; readonly message: string }
  | (Omit<EpochRecord, 'epoch'> & {
      readonly kind: 'epoch';
      /** Counted over all members: 1 … epochs. */
      readonly epoch: number;
      readonly epochs: number;
      readonly best: boolean;
      readonly pairsPerSecond: number;
      readonly secondsLeft: number;
    });

/** What a training gives: weights with everything needed to use them, as bytes to store. */
export interface TrainedEncoder {
  readonly bytes: Uint8Array;
  readonly dimension: number;
  readonly options: TrainOptions;
  readonly epochs: number;
  readonly bestEpoch: number;
  /**
   * map@all (or MRR@10 where no pair has a class), mean of both directions: of the first network on the pairs it held out.
   * Null where none were.
   */
  readonly validation: number | null;
  /** Of all its parts together, where it was resumed. */
  readonly seconds: number;
  /** What the class embeddings were made of; null where there was no class. */
  readonly classEmbeddingKind: ClassEmbeddingKind | null;
  /** Every epoch of every network, in order. */
  readonly history: readonly EpochRecord[];
  /** E.g. that the class terms were off because no pair had a class. */
  readonly notes: readonly string[];
}

/** A loaded encoder: pure arithmetic on the CPU, no tensors, safe to call from any thread. */
export interface Encoder {
  readonly dimension: number;
  readonly featureDimension: Readonly<Record<Modality, number>>;
  /** feature → code → unit length. Throws WRONG_DIMENSION. Takes under a millisecond. */
  embed(modality: Modality, feature: Float32Array): Float32Array;
  /** The same for every row: [n, featureDimension] → [n, dimension]. */
  embedMany(modality: Modality, features: Matrix): Matrix;
}
