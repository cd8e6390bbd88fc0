import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../../domain/errors.js';
import { writeCheckpoint } from '../../encoder/training/checkpoint-file.js';
import { resolveTrainOptions } from '../../encoder/training/presets.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput, TrainProgress } from '../../encoder/types.js';
import { CONFIDENCE, RESAMPLES } from '../../evaluation/estimates.js';
import type { MeasureStage } from '../../evaluation/measure.js';
import { measureInThread } from '../../evaluation/measure-in-thread.js';
import type { MeasuredPart } from '../../evaluation/measured-part.js';
import { repeatedRows } from '../../evaluation/repeated-content.js';
import { newRunId, openRunFolder, type RunFolder } from '../../reports/run-folder.js';
import type { FeatureBundle } from './bundle/read-bundle.js';
import { readBundle } from './bundle/read-bundle.js';
import { checkSize, checkSplit } from './bundle-checks.js';
import { type BundleSplit, partOf, planSplits, samplingNotesOf, sourceOf } from './bundle-protocol.js';
import {
  type BundleReport,
  estimateMeans,
  type MeasuredSplit,
  meanFigures,
  splitReport,
} from './bundle-report.js';
import type { EvaluateBundleRequest } from './bundle-request.js';
import { bundlePredictions, bundleRunRecord, seenSetOf } from './bundle-run.js';
import { trainFor } from './train-for.js';

export interface EvaluateBundleHooks {
  readonly onProgress?: (progress: EvaluateProgress) => void;
  readonly signal?: AbortSignal;
}

/** `run` is the index of the split and seed, from 1 to `runs`. */
export type EvaluateProgress = { readonly run: number; readonly runs: number } & (
  | { readonly stage: 'train'; readonly preset: 'paper' | 'default'; readonly progress: TrainProgress }
  | { readonly stage: MeasureStage }
);

/** Epochs between two checkpoints. */
const CHECKPOINT_EVERY = 25;

/**
 * Trains and measures on a folder of features, once for each split and seed, with chance, CCA, the `paper` preset and (for seen
 * classes) semantic matching on the same rows. Trainings and choices of options use training rows only.
 *
 * @throws CommonspaceError BAD_BUNDLE naming file and row, BAD_INPUT naming the option, CANCELLED; no run is left then
 */
export async function evaluateBundle(
  request: EvaluateBundleRequest,
  hooks: EvaluateBundleHooks = {},
): Promise<BundleReport> {
  const { protocol, seeds } = request;
  const createdAt = new Date().toISOString();
  const started = performance.now();
  const { batchSize } = resolveTrainOptions({ ...request.set, preset: request.preset });
  const bundle = await readBundle(request.folder);
  checkSize(bundle, batchSize);
  const plan = planSplits(bundle, protocol, seeds);
  for (const split of plan) checkSplit(bundle, split, protocol);

  const id = newRunId(createdAt, [
    request.folder.replace(/^.*[/\\](?=[^/\\])/, ''),
    protocol,
    request.preset,
  ]);
  const folder = request.runs === null ? null : await openRunFolder(request.runs, id);
  try {
    const splits: MeasuredSplit[] = [];
    for (const [i, split] of plan.entries()) {
      throwIfCancelled(hooks.signal);
      const run = { run: i + 1, runs: plan.length };
      const name = nameOf(split, plan, request);
      splits.push(await new SplitEvaluation(bundle, request, folder, hooks).evaluate(split, name, run));
    }
    const notes = notesOf(splits, request, bundle);
    const means = estimateMeans(splits, protocol);
    const seconds = (performance.now() - started) / 1000;
    const path = await folder?.finish(
      await bundleRunRecord({ id, createdAt, seconds, request, bundle, splits, means, notes }),
      bundlePredictions(splits),
    );
    return {
      protocol,
      preset: request.preset,
      bundle: request.folder,
      data_sha256: bundle.sha256,
      splits: splits.map((one) => splitReport(one, protocol)),
      ...meanFigures(means),
      interval: { confidence: CONFIDENCE, resamples: request.resamples ?? RESAMPLES },
      run: path ?? null,
      notes,
    };
  } finally {
    await folder?.discard();
  }
}

/** Trains and measures one split and seed. */
class SplitEvaluation {
  constructor(
    private readonly bundle: FeatureBundle,
    private readonly request: EvaluateBundleRequest,
    private readonly folder: RunFolder | null,
    private readonly hooks: EvaluateBundleHooks,
  ) {}

  async evaluate(
    split: BundleSplit,
    name: string,
    run: { readonly run: number; readonly runs: number },
  ): Promise<MeasuredSplit> {
    const { bundle, request } = this;
    const { onProgress, signal } = this.hooks;
    const { seed, seen, unseen } = split;
    const { feedback = 0 } = request;
    const extendable = request.protocol === 'extendable';
    const source = sourceOf(bundle, seen);
    const train = async (preset: 'paper' | 'default', set: TrainOptionsInput): Promise<TrainedEncoder> => {
      const file = `${name.replaceAll(/[^a-z0-9]+/g, '-')}-${preset}`;
      const trained = await trainFor(
        request.protocol,
        source,
        { ...set, preset, seed },
        {
          onProgress: (progress) => onProgress?.({ ...run, stage: 'train', preset, progress }),
          ...this.checkpointing(file),
          ...(signal && { signal }),
        },
      );
      if (this.folder) await writeFile(join(this.folder.checkpoints, `${file}.encoder`), trained.bytes);
      return trained;
    };
    const ours = await train(request.preset, request.set);
    const asShipped = request.preset === 'paper' && Object.keys(request.set).length === 0;
    const paper = asShipped ? ours : await train('paper', {});

    const parts = {
      seen: partOf(bundle, extendable ? seen : [...seen, ...unseen]),
      unseen: extendable ? partOf(bundle, unseen) : null,
    };
    const measured = await measureInThread(
      {
        encoders: [
          { method: 'masln', bytes: ours.bytes },
          { method: 'paper', bytes: paper.bytes },
        ],
        source,
        ...parts,
        // The analysis of the space is that of the embeddings, without feedback.
        feedback,
        space: feedback > 0 ? null : { seen: extendable ? seenSetOf(name) : name, unseen: name },
        semanticMatching: true,
        seed,
        intervals: {
          // Splits share test rows, so all are measured on the same draws of the test set.
          seed: 0,
          population: bundle.test.labels.length,
          resamples: request.resamples ?? RESAMPLES,
        },
      },
      { onStage: (stage) => onProgress?.({ ...run, stage }), ...(signal && { signal }) },
    );
    const about = {
      seen,
      unseen,
      split: split.split,
      seed,
      train_seconds: ours.seconds,
      training_pairs: source.labels.length,
      epochs: ours.epochs,
      repeated_test_rows: repeatedIn(source, parts.seen) + repeatedIn(source, parts.unseen),
    };
    return { name, trainings: asShipped ? [ours] : [ours, paper], about, measured };
  }

  private checkpointing(file: string) {
    const { folder } = this;
    if (folder === null) return {};
    return {
      checkpointEvery: CHECKPOINT_EVERY,
      onCheckpoint: (bytes: Uint8Array) =>
        writeCheckpoint(join(folder.checkpoints, `${file}.checkpoint`), bytes),
    };
  }
}

/** The number of rows of a part whose picture or text is that of a training row. */
function repeatedIn(source: SourceSet, part: MeasuredPart | null): number {
  if (part === null) return 0;
  const { IMAGE, TEXT } = part.sides;
  const repeated = repeatedRows(source, { image: IMAGE.features, text: TEXT.features });
  return repeated.filter(Boolean).length;
}

/** E.g. `split 1, seed 0`; names only what there are several of. */
function nameOf(
  { split, seed }: BundleSplit,
  plan: readonly BundleSplit[],
  { seeds, protocol }: EvaluateBundleRequest,
): string {
  const numbered = split !== null && plan.some((other) => other.split !== split);
  const parts = [...(numbered ? [`split ${split + 1}`] : []), ...(seeds.length > 1 ? [`seed ${seed}`] : [])];
  if (parts.length > 0) return parts.join(', ');
  return protocol === 'extendable' ? 'unseen' : 'test';
}

function notesOf(
  splits: readonly MeasuredSplit[],
  { protocol, feedback = 0 }: EvaluateBundleRequest,
  bundle: FeatureBundle,
): string[] {
  const notes = new Set(splits.flatMap(({ trainings }) => trainings[0]?.notes ?? []));
  if (feedback > 0)
    notes.add(
      `The queries of all methods were moved towards their best results (feedback ${feedback}): do not compare with figures without.`,
    );
  for (const { about } of splits) {
    const parts = protocol === 'extendable' ? [about.seen, about.unseen] : [[...about.seen, ...about.unseen]];
    for (const note of samplingNotesOf(bundle, parts)) notes.add(note);
  }
  const never = splits[0]?.about.unseen ?? [];
  if (protocol === 'non-extendable' && never.length > 0)
    notes.add(`No training row has label ${never.join(', ')}; its test rows are measured nevertheless.`);
  const repeated = splits.map(({ about }) => about.repeated_test_rows);
  const [least, most] = [Math.min(...repeated), Math.max(...repeated)];
  if (most > 0) {
    const count = least === most ? `${most}` : `${least} to ${most}, depending on the split,`;
    notes.add(
      `Of the measured test rows ${count} have the picture or the text of a training row (equal features). They are measured too, as the data set has them.`,
    );
  }
  return [...notes];
}
