import type { EvaluationRecord } from '../domain/evaluation-record.js';
import type { SourceSet } from '../encoder/types.js';
import type { ClassTable } from './classification-figures.js';
import { CONFIDENCE, RESAMPLES } from './estimates.js';
import type { Measured, MeasureRequest } from './measure.js';
import { type MeasureHooks, measureInThread } from './measure-in-thread.js';
import { partOfTable } from './measured-part.js';
import type { Split } from './pair-split.js';
import { uniqueClasses } from './pair-table.js';
import { isNewTo } from './repeated-content.js';

export interface HeldOutRequest extends Pick<MeasureRequest, 'encoders' | 'seed'> {
  readonly encoder: string;
  readonly preset: string;
  readonly split: Split;
  /** `split.source` with class embeddings. */
  readonly source: SourceSet;
  /** All classes of the catalogue: those that held-out items are classified among. */
  readonly classes: ClassTable;
  /** `figures` and similarity thresholds for a training; `full` adds intervals and the analysis of the space. */
  readonly extent: 'figures' | 'full';
}

/** The same seed for every evaluation, so that two evaluations of the same pairs use the same draws. */
const INTERVALS = { seed: 0, resamples: RESAMPLES } as const;

/**
 * Evaluates an encoder on the held-out pairs of a catalogue, by CONTENT alone, in a worker thread. Trainings and evaluations
 * both use it, so that they give the same figures.
 *
 * @throws CommonspaceError CANCELLED when the signal is aborted
 */
export async function evaluateHeldOut(
  { encoder, preset, split, source, classes, extent, encoders, seed }: HeldOutRequest,
  hooks: MeasureHooks = {},
): Promise<{ readonly record: EvaluationRecord; readonly measured: Measured }> {
  const evaluatedAt = new Date().toISOString();
  const started = performance.now();
  const full = extent === 'full';
  const measured = await measureInThread(
    {
      encoders,
      source,
      seen: partOfTable(split.seen),
      unseen: partOfTable(split.unseen),
      seed,
      semanticMatching: false,
      intervals: full ? INTERVALS : null,
      space: full ? { seen: 'seen', unseen: 'unseen' } : null,
      items: {
        classes,
        training: { pairs: split.source.pairs, image: source.image, text: source.text },
        held: { seen: split.seen, unseen: split.unseen },
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
    source: { pairs: split.source.pairs.length, classes: uniqueClasses(split.source).length },
    newContentOnly: [...split.seen.pairs, ...split.unseen.pairs].every(isNewTo(split.source.pairs)),
    interval: full ? { confidence: CONFIDENCE, ...INTERVALS } : null,
    ...measured.figures,
    run: null,
    notes: notesOf(split),
  };
  return { record, measured };
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
