/** The record of an evaluation of the catalogue in the run's folder. */
import type { EncoderRow } from '../../catalog/types.js';
import type { EvaluationRecord, MethodFigures } from '../../domain/evaluation-record.js';
import type { RowFileRef } from '../../domain/matrix.js';
import { aboutEncoder } from '../../encoder/inference/serialise.js';
import type { EpochRecord, TrainedEncoder } from '../../encoder/types.js';
import type { Measured } from '../../evaluation/measure.js';
import type { PairTable } from '../../evaluation/pair-table.js';
import type { Prediction } from '../../evaluation/space/predictions.js';
import { collectManifest, hashData, hashFiles } from '../../reports/manifest.js';
import { type PreviewOf, withPreviews } from '../../reports/previews.js';
import type { RunRecord, TableRow, TrainingCurves } from '../../reports/run-record.js';
import type { StoredTraining } from '../encoders/source-files.js';

export interface CatalogueRun {
  readonly id: string;
  readonly row: EncoderRow;
  /** The encoder's weights. */
  readonly bytes: Uint8Array;
  readonly record: EvaluationRecord;
  readonly measured: Measured;
  /** The pairs of the training, and those that were measured, in files. */
  readonly trained: StoredTraining;
  readonly held: { readonly seen: PairTable<RowFileRef>; readonly unseen: PairTable<RowFileRef> };
  /** The encoder with the paper's losses, if it was trained. */
  readonly paper: TrainedEncoder | null;
}

/** @param previewOf shows the pictures and texts of the best and worst queries */
export async function catalogueRunRecord(run: CatalogueRun, previewOf: PreviewOf): Promise<RunRecord> {
  const { id, row, record, measured } = run;
  const seed = Number(row.config.seed ?? 0);
  const spaces = [measured.spaces.unseen, measured.spaces.seen].flatMap((space) =>
    space ? [space.details] : [],
  );
  return {
    format: 1,
    id,
    kind: 'catalogue',
    title: `Encoder ${row.id}`,
    protocol: 'held-out pairs',
    preset: record.preset,
    createdAt: record.evaluatedAt,
    seconds: record.seconds,
    config: { encoder: row.id, ...row.config, chosen: measured.choices },
    manifest: await collectManifest({
      data: await hashPairs(run),
      seeds: [seed],
      backend: measured.backend,
      command: null,
    }),
    data: {
      trainingPairs: record.source.pairs,
      trainingClasses: record.source.classes,
      description: `The pairs of a catalogue, with features by ${row.imageExtractor} and ${row.textExtractor}.`,
    },
    compositions: [record.composition],
    table: tableOf(record),
    trainings: trainingsOf(run, seed),
    spaces: await Promise.all(spaces.map((details) => withPreviews(details, previewOf))),
    classification: record.classification,
    notes: record.notes,
  };
}

export function* cataloguePredictions({ measured: { spaces } }: CatalogueRun): Generator<Prediction> {
  for (const space of [spaces.seen, spaces.unseen]) if (space) yield* space.predictions;
}

function tableOf({ seen, unseen, harmonic }: EvaluationRecord): TableRow[] {
  const rows = (methods: readonly MethodFigures[], set: string, classes: TableRow['classes']): TableRow[] =>
    methods.map(({ method, i2t, t2i, avg }) => ({
      method,
      i2t,
      t2i,
      avg,
      set,
      classes,
      headline: true,
      seconds: null,
    }));
  return [
    ...rows(seen?.methods ?? [], 'seen', 'seen'),
    ...rows(unseen?.methods ?? [], 'unseen', 'unseen'),
    ...rows(harmonic ?? [], 'harmonic mean', 'mixed'),
  ];
}

function trainingsOf({ row, bytes, record, paper }: CatalogueRun, seed: number): TrainingCurves[] {
  // The trainer stores it with the weights.
  const { history } = (aboutEncoder(bytes) ?? {}) as { readonly history?: readonly EpochRecord[] };
  const own: TrainingCurves[] =
    history === undefined
      ? []
      : [
          {
            label: 'the encoder',
            preset: record.preset,
            seed,
            epochs: history,
            bestEpoch: Number(row.config.bestEpoch ?? 0) || null,
            seconds: Number(row.report.seconds ?? 0),
            notes: [],
          },
        ];
  if (paper === null) return own;
  const { options, bestEpoch, notes } = paper;
  const beside = {
    label: 'beside it',
    preset: options.preset,
    seed,
    epochs: paper.history,
    bestEpoch,
    notes,
  };
  return [...own, { ...beside, seconds: paper.seconds }];
}

/** A hash of the pairs' ids, classes and features. */
async function hashPairs({ trained, held }: CatalogueRun): Promise<RunRecord['manifest']['data']> {
  const tables = [held.seen, held.unseen];
  const files = [trained, ...tables].flatMap(({ image, text }) => [image.file, text.file]);
  const { sha256 } = await hashFiles([trained.file.file, ...files]);
  const measured = tables.flatMap(({ pairs, classOf }) =>
    pairs.map(({ imageId, textId }, i) => `${imageId} ${textId} ${classOf[i]?.name ?? ''}`),
  );
  return hashData([sha256, measured.join('\n')]);
}
