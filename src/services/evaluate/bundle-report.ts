import type { Composition } from '../../domain/composition.js';
import type { Estimate, Method, MethodFigures, PartRecord } from '../../domain/evaluation-record.js';
import type { TrainedEncoder } from '../../encoder/types.js';
import {
  differenceEstimate,
  type EstimatedMethod,
  meanOfParts,
  methodFigures,
} from '../../evaluation/estimates.js';
import type { BaselineChoices, Measured } from '../../evaluation/measure.js';
import type { Protocol } from './train-for.js';

/** map@all with cosine similarity: picture → text, text → picture, and the mean of both. */
export interface MapFigures {
  readonly i2t_map: number | null;
  readonly t2i_map: number | null;
  readonly avg_map: number | null;
}

/** One training, measured on the test pairs of the protocol's classes. */
export interface SplitReport extends MapFigures {
  /** Labels. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
  /** Index of the split in splits.json; null where the seed draws it, or where classes are not split. */
  readonly split: number | null;
  readonly seed: number;
  /** Of the evaluated encoder, with the choice of its options. */
  readonly train_seconds: number;
  readonly training_pairs: number;
  readonly epochs: number;
  /** Measured test rows whose picture or text has the features of a training row's, byte for byte. */
  readonly repeated_test_rows: number;
  /** What an embedding of the evaluated encoder consists of. */
  readonly composition: Composition;
  /** Every metric of every method, on the pairs of seen and of unseen classes. */
  readonly parts: { readonly seen: PartRecord | null; readonly unseen: PartRecord | null };
  readonly harmonic: readonly MethodFigures[] | null;
  readonly chosen: BaselineChoices;
}

/** The JSON of `commonspace evaluate --bundle --json`. */
export interface BundleReport {
  readonly protocol: Protocol;
  readonly preset: string;
  readonly bundle: string;
  /** Hex sha256 of its files. */
  readonly data_sha256: string;
  readonly splits: readonly SplitReport[];
  /** Means over the splits. */
  readonly mean: MapFigures;
  readonly chance: MapFigures;
  readonly cca: MapFigures;
  readonly paper: MapFigures;
  /** Semantic matching; null where it was not measured. */
  readonly sm: MapFigures | null;
  /** Every metric of every method, the means over the splits. */
  readonly metrics: {
    readonly target: readonly MethodFigures[];
    /** Extendable: the test pairs of seen classes, and the harmonic mean of both parts. */
    readonly seen: readonly MethodFigures[] | null;
    readonly harmonic: readonly MethodFigures[] | null;
  };
  /** The difference of map@all to each baseline; its interval is that of the differences of each draw. */
  readonly gain: Readonly<Partial<Record<Method, Estimate>>>;
  readonly interval: { readonly confidence: number; readonly resamples: number };
  /** The run's folder with the report; null where none was written. */
  readonly run: string | null;
  readonly notes: readonly string[];
}

/** The measurement of one split. */
export interface MeasuredSplit {
  /** E.g. `split 1, seed 0`; `test` or `unseen` for a single split. */
  readonly name: string;
  readonly trainings: readonly TrainedEncoder[];
  readonly about: Pick<
    SplitReport,
    | 'seen'
    | 'unseen'
    | 'split'
    | 'seed'
    | 'train_seconds'
    | 'training_pairs'
    | 'epochs'
    | 'repeated_test_rows'
  >;
  readonly measured: Measured;
}

/** The part that a protocol measures. */
export function targetOf(protocol: Protocol): 'seen' | 'unseen' {
  return protocol === 'extendable' ? 'unseen' : 'seen';
}

export function splitReport({ about, measured }: MeasuredSplit, protocol: Protocol): SplitReport {
  const { choices, composition, figures } = measured;
  const { seen, unseen, harmonic } = figures;
  const target = figures[targetOf(protocol)];
  return {
    ...about,
    composition,
    ...mapFigures(target?.methods, 'masln'),
    parts: { seen, unseen },
    harmonic,
    chosen: choices,
  };
}

/** The means over the splits, with their draws; null where a split lacks such rows. */
export interface EstimatedMeans {
  readonly target: readonly EstimatedMethod[];
  /** For the extendable protocol only. */
  readonly seen: readonly EstimatedMethod[] | null;
  readonly harmonic: readonly EstimatedMethod[] | null;
}

export function estimateMeans(splits: readonly MeasuredSplit[], protocol: Protocol): EstimatedMeans {
  const over = (part: 'seen' | 'unseen' | 'harmonic') => {
    const methods = splits.map(({ measured: { estimated } }) =>
      part === 'harmonic' ? estimated.harmonic : (estimated[part]?.methods ?? null),
    );
    return methods.every((of) => of !== null) ? meanOfParts(methods) : null;
  };
  const extendable = protocol === 'extendable';
  return {
    target: over(targetOf(protocol)) ?? [],
    seen: extendable ? over('seen') : null,
    harmonic: extendable ? over('harmonic') : null,
  };
}

/** The figures of all splits together. */
export function meanFigures({
  target,
  seen,
  harmonic,
}: EstimatedMeans): Pick<BundleReport, 'mean' | 'chance' | 'cca' | 'paper' | 'sm' | 'metrics' | 'gain'> {
  const figures = target.map(methodFigures);
  return {
    mean: mapFigures(figures, 'masln'),
    chance: mapFigures(figures, 'chance'),
    cca: mapFigures(figures, 'cca'),
    paper: mapFigures(figures, 'paper'),
    sm: figures.some(({ method }) => method === 'sm') ? mapFigures(figures, 'sm') : null,
    metrics: {
      target: figures,
      seen: seen?.map(methodFigures) ?? null,
      harmonic: harmonic?.map(methodFigures) ?? null,
    },
    gain: gains(target),
  };
}

export function mapFigures(methods: readonly MethodFigures[] | undefined, method: Method): MapFigures {
  const found = methods?.find((one) => one.method === method);
  return {
    i2t_map: found?.i2t['map@all'].value ?? null,
    t2i_map: found?.t2i['map@all'].value ?? null,
    avg_map: found?.avg['map@all'].value ?? null,
  };
}

function gains(methods: readonly EstimatedMethod[]): BundleReport['gain'] {
  const [ours, ...others] = methods;
  if (ours === undefined) return {};
  return Object.fromEntries(
    others
      .filter(({ method }) => method !== 'chance')
      .map((other) => [other.method, differenceEstimate(ours, other, 'map@all')]),
  );
}
