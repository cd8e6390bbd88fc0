import { throwIfCancelled } from '../../domain/errors.js';
import { resolveTrainOptions } from '../../encoder/presets.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput, TrainProgress } from '../../encoder/types.js';
import { badBundle } from '../bundle/bad-bundle.js';
import { type FeatureBundle, readBundle } from '../bundle/read-bundle.js';
import { type BundleSplit, partOf, planSplits, sourceOf } from './bundle-protocol.js';
import { type BundleReport, type MeasuredSplit, meansOver, splitReport, targetOf } from './bundle-report.js';
import { CONFIDENCE, RESAMPLES } from './estimates.js';
import type { MeasureStage } from './measure.js';
import { measureInThread } from './measure-in-thread.js';
import { type Protocol, trainFor } from './train-for.js';

export interface EvaluateBundleRequest {
  readonly folder: string;
  readonly protocol: Protocol;
  readonly preset: 'paper' | 'default';
  /** One training for each seed (and each split). */
  readonly seeds: readonly number[];
  /** Laid over the preset, for the encoder that is evaluated; the baselines stay as they are. */
  readonly set: TrainOptionsInput;
  /** Draws of the bootstrap; RESAMPLES where it is not given. */
  readonly resamples?: number;
}

export interface EvaluateBundleHooks {
  readonly onProgress?: (progress: EvaluateProgress) => void;
  readonly signal?: AbortSignal;
}

/** `run` is the number of the split and seed, from 1 to `runs`. */
export type EvaluateProgress = { readonly run: number; readonly runs: number } & (
  | { readonly stage: 'train'; readonly preset: 'paper' | 'default'; readonly progress: TrainProgress }
  | { readonly stage: MeasureStage }
);

/** Fewer pairs than this teach nothing that would hold for others. */
const LEAST_PAIRS = 16;

/**
 * Trains and measures on a folder of features, once for each split and seed, each time beside chance, CCA, the `paper` preset and
 * (where classes are seen) semantic matching. No test row is at hand where anything is trained or chosen. Nothing is written.
 *
 * @throws CommonspaceError BAD_BUNDLE naming file and row, BAD_INPUT naming the option, CANCELLED
 */
export async function evaluateBundle(
  request: EvaluateBundleRequest,
  hooks: EvaluateBundleHooks = {},
): Promise<BundleReport> {
  const { protocol, seeds } = request;
  const { batchSize } = resolveTrainOptions({ ...request.set, preset: request.preset });
  const bundle = await readBundle(request.folder);
  checkSize(bundle, batchSize);
  const plan = planSplits(bundle, protocol, seeds);
  for (const split of plan) checkSplit(bundle, split, protocol);

  const notes = new Set<string>();
  const measured: MeasuredSplit[] = [];
  for (const [i, split] of plan.entries()) {
    throwIfCancelled(hooks.signal);
    const run = { run: i + 1, runs: plan.length };
    measured.push(await evaluateSplit(bundle, split, request, run, notes, hooks));
  }
  return {
    protocol,
    preset: request.preset,
    bundle: request.folder,
    data_sha256: bundle.sha256,
    splits: measured.map((one) => splitReport(one, protocol)),
    ...meansOver(measured, protocol),
    interval: { confidence: CONFIDENCE, resamples: request.resamples ?? RESAMPLES },
    notes: [...notes],
  };
}

async function evaluateSplit(
  bundle: FeatureBundle,
  split: BundleSplit,
  request: EvaluateBundleRequest,
  run: { readonly run: number; readonly runs: number },
  notes: Set<string>,
  { onProgress, signal }: EvaluateBundleHooks,
): Promise<MeasuredSplit> {
  const { protocol, set } = request;
  const { seed, seen, unseen } = split;
  const source = sourceOf(bundle, seen);
  const train = async (preset: 'paper' | 'default', options: TrainOptionsInput): Promise<TrainedEncoder> =>
    await trainFor(
      protocol,
      source,
      { ...options, preset, seed },
      {
        onProgress: (progress) => onProgress?.({ ...run, stage: 'train', preset, progress }),
        ...(signal && { signal }),
      },
    );
  const ours = await train(request.preset, set);
  for (const note of ours.notes) notes.add(note);
  if (protocol === 'non-extendable' && unseen.length > 0)
    notes.add(`No training row has label ${unseen.join(', ')}; test rows of it take part all the same.`);
  const asShipped = request.preset === 'paper' && Object.keys(set).length === 0;
  const paper = asShipped ? ours : await train('paper', {});

  const measured = await measureInThread(
    {
      encoders: [
        { method: 'masln', bytes: ours.bytes },
        { method: 'paper', bytes: paper.bytes },
      ],
      source,
      seen: partOf(bundle, protocol === 'extendable' ? seen : [...seen, ...unseen]),
      unseen: protocol === 'extendable' ? partOf(bundle, unseen) : null,
      semanticMatching: protocol === 'non-extendable',
      seed,
      resampling: {
        // Trainings on one split are measured on the same rows, and get the same draws of them.
        seed: protocol === 'non-extendable' ? 0 : (split.split ?? seed),
        resamples: request.resamples ?? RESAMPLES,
      },
    },
    { onStage: (stage) => onProgress?.({ ...run, stage }), ...(signal && { signal }) },
  );
  return {
    about: {
      seen,
      unseen,
      split: split.split,
      seed,
      train_seconds: ours.seconds,
      training_pairs: source.labels.length,
      epochs: ours.epochs,
    },
    measured,
  };
}

function checkSize({ train }: FeatureBundle, batchSize: number): void {
  const { rows } = train.image;
  if (rows < batchSize) {
    throw badBundle(
      'img_train.npy',
      `it has ${rows} rows, fewer than a batch of ${batchSize} pairs (the option batchSize sets another size)`,
    );
  }
}

function checkSplit(bundle: FeatureBundle, split: BundleSplit, protocol: Protocol): void {
  const source: SourceSet = sourceOf(bundle, split.seen);
  if (source.labels.length < LEAST_PAIRS) {
    throw badBundle(
      'label_train.npy',
      `${source.labels.length} rows are of the seen classes ${split.seen.join(', ')}, and training needs ${LEAST_PAIRS}`,
    );
  }
  const target = targetOf(protocol);
  const part = partOf(bundle, split[target]);
  if (part === null || new Set(part.sides.IMAGE.classes).size < 2) {
    throw badBundle(
      'label_test.npy',
      `its rows have fewer than two of the ${target} classes ${split[target].join(', ')}, so that there is nothing to tell apart`,
    );
  }
}
