import type { EvaluationRecord } from '../domain/evaluation-record.js';
import type { Matrix, RowFileRef } from '../domain/matrix.js';
import { atMost, FITTED_ROWS, sampledRows } from '../encoder/training/scale.js';
import type { SourceSet } from '../encoder/types.js';
import type { ClassTable } from './classification-figures.js';
import { CONFIDENCE, RESAMPLES } from './estimates.js';
import type { Measured, MeasureRequest } from './measure.js';
import { type MeasureHooks, measureInThread } from './measure-in-thread.js';
import { partOfTable } from './measured-part.js';
import type { Split } from './pair-split.js';
import { type PairList, type PairTable, selectPairs, uniqueClasses } from './pair-table.js';
import { isNewTo } from './repeated-content.js';

export interface HeldOutRequest extends Pick<MeasureRequest, 'encoders' | 'seed'> {
  readonly encoder: string;
  readonly preset: string;
  readonly split: Split;
  /** The pairs to measure with their features: those of `toMeasure`. */
  readonly held: { readonly seen: PairTable; readonly unseen: PairTable };
  /** The training pairs that are left of `split.source`, row for row as `source` has them. */
  readonly trained: PairList;
  readonly source: SourceSet<Matrix | RowFileRef>;
  /** All classes of the catalogue: those that held-out items are classified among. */
  readonly classes: ClassTable;
  /** `figures` and similarity thresholds for a training; `full` adds intervals and the analysis of the space. */
  readonly extent: 'figures' | 'full';
}

/** Upper limit of the rows of each part that are measured. */
const MOST_MEASURED = 5000;
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
  const rows = sampledRows(trained.pairs.length, FITTED_ROWS);
  // A sample of the held-out pairs gives estimates, which need intervals.
  const sampled = samplingNotes(split);
  const intervals = full || sampled.length > 0 ? INTERVALS : null;
  const measured = await measureInThread(
    {
      encoders,
      source,
      seen: partOfTable(held.seen),
      unseen: partOfTable(held.unseen),
      seed,
      semanticMatching: full && source.classNames.length <= MOST_SM_CLASSES,
      intervals,
      space: full ? { seen: 'seen', unseen: 'unseen' } : null,
      items: {
        classes,
        training: { pairs: [...rows].flatMap((row) => trained.pairs[row] ?? []), rows },
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
    source: { pairs: trained.pairs.length, classes: uniqueClasses(trained).length },
    composition: measured.composition,
    newContentOnly: [...held.seen.pairs, ...held.unseen.pairs].every(isNewTo(trained.pairs)),
    interval: intervals && { confidence: CONFIDENCE, ...intervals },
    ...measured.figures,
    run: null,
    notes: [...notesOf(split), ...sampled, ...(full ? smNotes(source) : [])],
  };
  return { record, measured };
}

/**
 * The held-out pairs to measure: all of them, or a sample of about `MOST_MEASURED` rows of each part, whole pairs at even
 * distances. A measurement compares every query with every item.
 */
export function toMeasure({ seen, unseen }: Split): { readonly seen: PairList; readonly unseen: PairList } {
  return { seen: sampleOf(seen), unseen: sampleOf(unseen) };
}

function sampleOf(list: PairList): PairList {
  const { length } = list.pairs;
  if (length <= MOST_MEASURED) return list;
  const ids = [...new Set(list.pairs.map(({ pairId }) => pairId))];
  const indices = atMost(
    Int32Array.from(ids.keys()),
    Math.max(1, Math.round((ids.length * MOST_MEASURED) / length)),
  );
  const chosen = new Set(Array.from(indices, (i) => ids[i]));
  return selectPairs(list, (row) => chosen.has(list.pairs[row]?.pairId));
}

function samplingNotes({ seen, unseen }: Split): string[] {
  return Object.entries({ seen, unseen }).flatMap(([name, { pairs }]) =>
    pairs.length <= MOST_MEASURED
      ? []
      : [
          `Of ${pairs.length} held-out pairs of ${name} classes about ${MOST_MEASURED} were measured, as queries and as gallery. Figures that depend on the size of the gallery, for example Recall@k, are those of that size.`,
        ],
  );
}

function smNotes({ classNames }: Pick<SourceSet, 'classNames'>): string[] {
  return classNames.length <= MOST_SM_CLASSES
    ? []
    : [
        `Semantic matching was not measured: there are ${classNames.length} classes, and it is fitted to at most ${MOST_SM_CLASSES}.`,
      ];
}

function notesOf({ seen, unseen, repeated }: Split): string[] {
  return [
    ...(seen.pairs.length < 2 ? ['No pairs of seen classes were held out.'] : []),
    ...(unseen.pairs.length < 2 ? ['There are no pairs of unseen classes.'] : []),
    ...(repeated > 0
      ? [
          `${repeated} pairs outside the training set were not measured: their image or text has the content of a training item.`,
        ]
      : []),
  ];
}
