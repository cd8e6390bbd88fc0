import type { EvaluationRecord } from '../domain/evaluation-record.js';
import type { Matrix, RowFileRef } from '../domain/matrix.js';
import { atMost } from '../encoder/training/scale.js';
import type { SourceSet } from '../encoder/types.js';
import type { ClassTable } from './classification-figures.js';
import { CONFIDENCE, RESAMPLES } from './estimates.js';
import type { Measured, MeasureRequest } from './measure.js';
import { type MeasureHooks, measureInThread } from './measure-in-thread.js';
import { type PairList, type PairRow, type PairTable, selectPairs } from './pair-table.js';

export interface HeldOutRequest extends Pick<MeasureRequest, 'encoders' | 'seed'> {
  readonly encoder: string;
  readonly preset: string;
  readonly split: HeldOutCounts;
  /** The pairs to measure with their features: those of `sampleHeldOut`. */
  readonly held: { readonly seen: PairTable<RowFileRef>; readonly unseen: PairTable<RowFileRef> };
  readonly trained: TrainingPairs;
  readonly source: SourceSet<Matrix | RowFileRef>;
  /** All classes of the catalogue: those that held-out items are classified among. */
  readonly classes: ClassTable;
  /** `figures` and similarity thresholds for a training; `full` adds intervals and the analysis of the space. */
  readonly extent: 'figures' | 'full';
}

/** Of a `Split`. */
interface HeldOutCounts {
  readonly heldOut: { readonly seen: number; readonly unseen: number };
  readonly repeated: number;
}

/** The training pairs, as a measurement sees them. */
export interface TrainingPairs {
  readonly count: number;
  readonly classes: number;
  /** All pairs, or a sample of many, and their rows in the source set. */
  readonly sample: { readonly pairs: readonly PairRow[]; readonly rows: Int32Array };
  /** Whether no picture and no text of the measured pairs has the content of one of these. */
  readonly newContentOnly: boolean;
}

/** Upper limit of the rows of each part that are measured. */
export const MOST_MEASURED = 5000;
/** With more classes the regressions of semantic matching would take longer than everything else. */
const MOST_SM_CLASSES = 200;

/** The same seed for every evaluation, so that two evaluations of the same pairs use the same draws. */
const INTERVALS = { seed: 0, resamples: RESAMPLES } as const;

/**
 * Evaluates an encoder on the held-out pairs of a catalogue, by CONTENT alone, in a worker thread. Trainings and evaluations
 * both use it, so that they give the same figures.
 *
 * @throws CommonspaceError CANCELLED when the signal is aborted
 */
export async function evaluateHeldOut(
  { encoder, preset, split, held, trained, source, classes, extent, encoders, seed }: HeldOutRequest,
  hooks: MeasureHooks = {},
): Promise<{ readonly record: EvaluationRecord; readonly measured: Measured }> {
  const evaluatedAt = new Date().toISOString();
  const started = performance.now();
  const full = extent === 'full';
  // A sample of the held-out pairs gives estimates, which need intervals.
  const sampled = samplingNotes(split);
  const intervals = full || sampled.length > 0 ? INTERVALS : null;
  const measured = await measureInThread(
    {
      encoders,
      source,
      seed,
      semanticMatching: full && source.classNames.length <= MOST_SM_CLASSES,
      intervals,
      space: full ? { seen: 'seen', unseen: 'unseen' } : null,
      items: {
        classes,
        training: trained.sample,
        held,
        thresholds: !full,
      },
    },
    hooks,
  );
  const record: EvaluationRecord = {
    encoder,
    preset,
    evaluatedAt,
    seconds: (performance.now() - started) / 1000,
    source: { pairs: trained.count, classes: trained.classes },
    composition: measured.composition,
    newContentOnly: trained.newContentOnly,
    interval: intervals && { confidence: CONFIDENCE, ...intervals },
    ...measured.figures,
    run: null,
    notes: [...notesOf(split), ...sampled, ...(full ? smNotes(source) : [])],
  };
  return { record, measured };
}

/**
 * The held-out pairs to measure: all of them, or a sample of about `most` rows, whole pairs at even distances. A measurement
 * compares every query with every item.
 */
export function sampleHeldOut(list: PairList, most: number): PairList {
  const { length } = list.pairs;
  if (length <= most) return list;
  const ids = [...new Set(list.pairs.map(({ pairId }) => pairId))];
  const indices = atMost(Int32Array.from(ids.keys()), Math.max(1, Math.round((ids.length * most) / length)));
  const chosen = new Set(Array.from(indices, (i) => ids[i]));
  return selectPairs(list, (row) => chosen.has(list.pairs[row]?.pairId));
}

function samplingNotes({ heldOut }: HeldOutCounts): string[] {
  return Object.entries(heldOut).flatMap(([name, count]) =>
    samplingNote(count, `held-out pairs of ${name} classes`),
  );
}

/** Says that a part with this number of pairs was sampled; empty where it is measured whole. */
export function samplingNote(count: number, what: string): string[] {
  if (count <= MOST_MEASURED) return [];
  return [
    `Of ${count} ${what} about ${MOST_MEASURED} were measured, as queries and as gallery. Figures that depend on the size of the gallery, for example Recall@k, are those of that size.`,
  ];
}

function smNotes({ classNames }: Pick<SourceSet, 'classNames'>): string[] {
  return classNames.length <= MOST_SM_CLASSES
    ? []
    : [
        `Semantic matching was not measured: there are ${classNames.length} classes, and it is fitted to at most ${MOST_SM_CLASSES}.`,
      ];
}

function notesOf({ heldOut: { seen, unseen }, repeated }: HeldOutCounts): string[] {
  return [
    ...(seen < 2 ? ['No pairs of seen classes were held out.'] : []),
    ...(unseen < 2 ? ['There are no pairs of unseen classes.'] : []),
    ...(repeated > 0
      ? [
          `${repeated} pairs outside the training set were not measured: their image or text has the content of a training item.`,
        ]
      : []),
  ];
}
