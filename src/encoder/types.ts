import type { Matrix, RowFileRef, Rows } from '../domain/matrix.js';
import type { Modality } from '../domain/modality.js';

/**
 * The training pairs: row i of `image` and row i of `text` describe the same thing. N is the number of pairs. The features are in
 * memory, or in files that the training thread opens.
 */
export interface SourceSet<
  Features extends Rows | RowFileRef = Matrix,
  Texts extends Matrix | RowFileRef = Matrix,
> {
  /** [N, dv] */
  readonly image: Features;
  /** [N, dt] */
  readonly text: Features;
  /** [N]: index into `classNames`, −1 for a pair without a class. */
  readonly labels: Int32Array;
  /** [C]; may be empty. */
  readonly classNames: readonly string[];
  /** [C, da], as `chooseClassEmbeddings` returns them; C may be 0. */
  readonly classEmbeddings: Matrix;
  /** The source of the class embeddings, stored with the encoder. Default: `name`. */
  readonly classEmbeddingKind?: ClassEmbeddingKind | null;
  /**
   * [N]: pairs with equal numbers describe the same thing, for example the captions of one picture. They are positives of each
   * other and stay on one side of every split. Absent: each pair is its own group.
   */
  readonly groups?: Int32Array | null;
  /** Whether image and text features are in one space, as those of the two towers of one model; false if absent. */
  readonly sharedSpace?: boolean;
  /** Absent where only features are known, as in a folder of features. */
  readonly furtherTexts?: FurtherTexts<Texts> | null;
}

/** Short forms of the captions of training pairs, and titles. */
export interface FurtherTexts<Texts extends Matrix | RowFileRef = Matrix> {
  /** [M, dt]: features of the texts, of the extractor that made `text`; each text once. */
  readonly features: Texts;
  /** [N]: for each pair the rows of its short forms; empty for a pair without short forms. */
  readonly short: readonly (readonly number[])[];
  /** [N]: the same of its titles. */
  readonly titles: readonly (readonly number[])[];
}

/**
 * The source of class embeddings. `name`: text features of the class names (and descriptions). `text-mean`: the mean feature
 * of each class's training texts. `one-hot`: a unit vector for each class. `chooseClassEmbeddings` selects one.
 */
export type ClassEmbeddingKind = 'name' | 'text-mean' | 'one-hot';

/** The weight λ of each loss term. 0 switches the term off, and its parts are not built. */
export interface LossWeights {
  /** L_corr of the paper: squared distance between the two codes of a pair. */
  readonly similarity: number;
  /** L_rec of the paper: the four cross-modal reconstructions. */
  readonly reconstruction: number;
  /** L_dis of the paper: the softmax classifier shared by both modalities. */
  readonly semantics: number;
  /** L_adv of the paper: the factor of the discriminator's reversed gradient in the encoders, at the end of `adversaryRamp`. */
  readonly adversary: number;
  /** Beyond the paper: InfoNCE over pairs (van den Oord et al. 2018; Radford et al. 2021). */
  readonly pairContrast: number;
  /** Beyond the paper: supervised contrastive by class, across modalities (Khosla et al. 2020). */
  readonly classContrast: number;
  /** Beyond the paper: squared error between an image–text cosine and the same-class indicator (after Wang et al. 2016). */
  readonly classCosine: number;
}

/** All options of a training run. Values that the paper does not give are ours; docs/decisions/0005-encoder.md has the reasons. */
export interface TrainOptions {
  readonly preset: PresetName;
  readonly seed: number;
  /** Width of the embedding. */
  readonly dimension: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly weights: LossWeights;
  /**
   * Share of the training pairs held out to choose the number of epochs, 0 to 0.5. A first network is trained without them; the
   * networks of the encoder are then trained on all pairs, for as many epochs as it took to its best figure. Where `tune` chooses
   * the epochs, no pairs are held out here.
   */
  readonly validation: number;
  /** Training stops after this many epochs without a better validation figure; 0 switches early stopping off. */
  readonly patience: number;

  /** Upper limit of the principal components of each modality's features. */
  readonly components: number;
  /** z-scores are clipped to ±clip. */
  readonly clip: number;
  /** 1 is the z-score, 0 keeps the scale of the extractor; values between interpolate. */
  readonly scaling: number;

  /** Widths of the hidden layers. */
  readonly imageHidden: readonly number[];
  readonly textHidden: readonly number[];
  /** Width of each decoder's hidden layer. */
  readonly decoderHidden: number;
  readonly discriminatorHidden: number;
  /**
   * γ: after a share p of the steps, the adversary's weight is multiplied by 2 / (1 + exp(−γ p)) − 1 (Ganin et al. 2016), so that
   * the codes take shape before the modalities are mixed. 0: the weight is constant.
   */
  readonly adversaryRamp: number;
  /** Slope of the leaky ReLU below zero. */
  readonly slope: number;
  readonly dropout: number;
  /** Standard deviation of the normal noise added to the components in training, relative to each component's own. */
  readonly inputNoise: number;
  /** Share of a batch's pairs that are mixed with another pair, images and texts by the same ratio (Zhang et al. 2018). */
  readonly mixup: number;
  /**
   * Share of the pairs that an epoch has a second time with a short form of the caption, one to three of its words. Inactive where
   * the source set has no further texts.
   */
  readonly shortTexts: number;
  /** The same with the title of the text or of the image. */
  readonly titleTexts: number;
  /** Upper limit of the short forms of a caption. */
  readonly shortForms: number;
  /** Number of networks in the ensemble. They are trained one after another with different random numbers. */
  readonly members: number;
  /**
   * Width of each network's code; 0: the width of the embedding. If the codes together are wider than the embedding, an output
   * projection reduces them to it.
   */
  readonly memberDimension: number;

  /** The maximum of the one-cycle schedule (Smith and Topin 2018). */
  readonly learningRate: number;
  /** Decoupled from the gradient (Loshchilov and Hutter 2019). */
  readonly weightDecay: number;
  /** Share of a class target that is distributed over all classes (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
  readonly pairTemperature: number;
  readonly classTemperature: number;
  /** Share of the pair target that follows text–text similarity instead of pair identity (after Gao et al. 2023). */
  readonly softTargets: number;
  readonly softTemperature: number;

  /** Regularisation of CCA, as a share of the mean variance. It applies to the CCA branch and to `ccaSkip`. */
  readonly ccaRegularisation: number;
  /** Weight of a CCA branch in the ensemble, 0 to 1. The linear map improves retrieval of unseen classes. */
  readonly ccaShare: number;
  /**
   * Weight of the semantic branch, 0 to 1: a linear map to the class embeddings. Where pairs have no classes it does not exist.
   */
  readonly semanticShare: number;
  /** Width of the CCA branch; 0: the width of the embedding. */
  readonly ccaDimension: number;
  /** Each canonical variate is weighted by its correlation to this power (Gong et al. 2014). */
  readonly ccaPower: number;
  /** Weight of the networks' class posteriors in the embedding, 0 to 1 (semantic matching: Rasiwasia et al. 2010). */
  readonly posteriorShare: number;
  /**
   * How much of its norm a code keeps in the embedding, 0 to 1: 0 gives unit norm. Codes with high confidence have larger norms,
   * so keeping the norm ranks confident gallery items first.
   */
  readonly codeLength: number;
  /** The same for a posterior. At 1 the inner product of two posteriors is the probability that their classes are equal. */
  readonly posteriorLength: number;
  /**
   * Before training, chooses regularisation, epochs, shares and kept norms on held-out rows. `pairs` holds out pairs of every class,
   * for retrieval of seen classes. `classes` holds out whole classes, for retrieval of unseen classes.
   */
  readonly tune: Tuning;

  /**
   * `image`: the image side is that of the encoder that the training starts from, and only the text side is learnt, as a residual.
   * Of the other options it uses the seed, the epochs and the shares of further texts.
   */
  readonly freeze: 'none' | 'image';

  /** A linear path in each network, f(v) = W v + MLP(v). W is initialised with CCA and trained further. */
  readonly ccaSkip: boolean;
}

/** The options that a caller gives. The preset supplies the others. */
export type TrainOptionsInput = Partial<Omit<TrainOptions, 'weights'>> & {
  readonly weights?: Partial<LossWeights>;
};

export type Tuning = 'none' | 'pairs' | 'classes';

export type PresetName = 'paper' | 'default';

/** A value that JSON can represent. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** The result of one epoch of one network: one point of the training curves. */
export interface EpochRecord {
  /** Index of the network in the order of training, from 0. Where pairs are held out, network 0 chooses the number of epochs. */
  readonly member: number;
  /** Epoch of this network, from 1. */
  readonly epoch: number;
  /** Mean of each loss term over the epoch, without its weight λ, by its name in `LossWeights`. */
  readonly losses: Readonly<Record<string, number>>;
  /**
   * Share of the codes, of both modalities, whose modality the discriminator predicts correctly. The encoders are trained
   * towards 0.5, which is chance. Null where the adversary is off.
   */
  readonly discriminatorAccuracy: number | null;
  /** MAP@all (MRR@10 where no pair has a class), mean of both directions, on the validation pairs; null without any. */
  readonly validation: number | null;
}

export type TrainProgress =
  | { readonly kind: 'prepare'; readonly message: string }
  | (Omit<EpochRecord, 'epoch'> & {
      readonly kind: 'epoch';
      /** Counted over all networks: 1 … epochs. */
      readonly epoch: number;
      readonly epochs: number;
      readonly best: boolean;
      readonly pairsPerSecond: number;
      readonly secondsLeft: number;
    });

/** The result of a training run. */
export interface TrainedEncoder {
  /** The encoder file: `loadEncoder` reads it. */
  readonly bytes: Uint8Array;
  readonly dimension: number;
  /** With the choices of tuning. */
  readonly options: TrainOptions;
  /** Sum over all networks, with the one that chooses the number of epochs. */
  readonly epochs: number;
  /** The number of epochs of each network of the encoder. */
  readonly bestEpoch: number;
  /**
   * MAP@all (MRR@10 where no pair has a class), mean of both directions, on the held-out rows that the number of epochs was chosen
   * on. Null if none were held out.
   */
  readonly validation: number | null;
  /** Training time; includes the time before a resume. */
  readonly seconds: number;
  /** Null where the class terms were off. */
  readonly classEmbeddingKind: ClassEmbeddingKind | null;
  /** Weight of the shared space as it is, 1 where training does not improve on it; null where the features share none. */
  readonly alignedShare: number | null;
  /** Every epoch of every network, in order. */
  readonly history: readonly EpochRecord[];
  /** For example, that the class terms were off because no pair has a class. */
  readonly notes: readonly string[];
}

/** A loaded encoder: plain arithmetic on the CPU, without tensors. */
export interface Encoder {
  readonly dimension: number;
  readonly featureDimension: Readonly<Record<Modality, number>>;
  /**
   * The embedding of one feature vector: [featureDimension] → [dimension], of unit norm. Takes less than a millisecond.
   *
   * @throws CommonspaceError WRONG_DIMENSION
   */
  embed(modality: Modality, feature: Float32Array): Float32Array;
  /**
   * The embedding of the name of a class, from its text feature: near the items of classes with similar names, where the encoder has
   * learnt that; else that of the name as a text. [featureDimension.TEXT] → [dimension], of unit norm.
   *
   * @throws CommonspaceError WRONG_DIMENSION
   */
  embedName(feature: Float32Array): Float32Array;
  /** `embed` of every row: [n, featureDimension] → [n, dimension]. */
  embedMany(modality: Modality, features: Matrix): Matrix;
}
