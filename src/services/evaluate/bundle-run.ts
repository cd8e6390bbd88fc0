/** The record of a bundle's evaluation in the run's folder. */
import { basename, join, resolve } from 'node:path';
import { type EstimatedMethod, methodFigures } from '../../evaluation/estimates.js';
import type { Prediction } from '../../evaluation/space/predictions.js';
import { collectManifest, hashFiles } from '../../reports/manifest.js';
import type { RunRecord, TableRow, TrainingCurves } from '../../reports/run-record.js';
import { BUNDLE_FILES, type FeatureBundle } from './bundle/read-bundle.js';
import type { EstimatedMeans, MeasuredSplit } from './bundle-report.js';
import { targetOf } from './bundle-report.js';
import type { EvaluateBundleRequest } from './bundle-request.js';

export interface BundleRun {
  readonly id: string;
  readonly createdAt: string;
  readonly seconds: number;
  readonly request: EvaluateBundleRequest;
  readonly bundle: FeatureBundle;
  readonly splits: readonly MeasuredSplit[];
  readonly means: EstimatedMeans;
  readonly notes: readonly string[];
}

export async function bundleRunRecord(run: BundleRun): Promise<RunRecord> {
  const { id, createdAt, seconds, request, bundle, splits, notes } = run;
  const [first] = splits;
  if (first === undefined) throw new Error('a run without a split');
  const files = BUNDLE_FILES.filter((name) => name !== 'splits.json' || bundle.splits !== null);
  return {
    format: 1,
    id,
    kind: 'bundle',
    title: basename(resolve(request.folder)),
    protocol: request.protocol,
    preset: request.preset,
    createdAt,
    seconds,
    config: {
      bundle: request.folder,
      seeds: request.seeds,
      set: request.set,
      options: first.trainings[0]?.options ?? {},
      splits: splits.map(({ name, about, measured }) => ({ name, ...about, chosen: measured.choices })),
    },
    manifest: await collectManifest({
      data: await hashFiles(files.map((name) => join(request.folder, name))),
      seeds: request.seeds,
      backend: first.measured.backend,
      command: commandOf(request),
    }),
    data: {
      trainingPairs: first.about.training_pairs,
      trainingClasses: first.about.seen.length,
      description: `Features of ${bundle.train.labels.length} pairs to train on and ${bundle.test.labels.length} to test on, from the folder ${basename(resolve(request.folder))}.`,
    },
    compositions: splits.map(({ measured }) => measured.composition),
    table: tableOf(run),
    trainings: splits.flatMap(({ name, about, trainings }) =>
      trainings.map(
        ({ options, history, bestEpoch, seconds: took, notes: said }): TrainingCurves => ({
          label: name,
          preset: options.preset,
          seed: about.seed,
          epochs: history,
          bestEpoch,
          seconds: took,
          notes: said,
        }),
      ),
    ),
    spaces: splits.flatMap(({ measured: { spaces } }) =>
      [spaces.unseen, spaces.seen].flatMap((space) => (space === null ? [] : [space.details])),
    ),
    notes,
  };
}

/** The results of every query of every split. */
export function* bundlePredictions(splits: readonly MeasuredSplit[]): Generator<Prediction> {
  const rowName = (id: string) => String(Number(id));
  for (const { measured } of splits) {
    for (const space of [measured.spaces.seen, measured.spaces.unseen]) {
      for (const prediction of space?.predictions ?? []) {
        const results = prediction.results.map((result) => ({ ...result, id: rowName(result.id) }));
        yield { ...prediction, query: rowName(prediction.query), results };
      }
    }
  }
}

function tableOf({ request: { protocol }, splits, means }: BundleRun): TableRow[] {
  const single = splits.length === 1;
  const target = targetOf(protocol);
  const rows = (
    methods: readonly EstimatedMethod[],
    set: string,
    classes: TableRow['classes'],
    headline: boolean,
    seconds: number | null,
  ): TableRow[] =>
    methods.map((method) => ({
      ...methodFigures(method),
      set,
      classes,
      headline,
      seconds: method.method === 'masln' ? seconds : null,
    }));
  const ofSplits = splits.flatMap(({ name, about, measured: { estimated } }) => [
    ...rows(estimated[target]?.methods ?? [], name, target, single, about.train_seconds),
    ...(protocol === 'extendable'
      ? [
          ...rows(estimated.seen?.methods ?? [], seenSetOf(name), 'seen', single, null),
          ...rows(estimated.harmonic ?? [], harmonicSetOf(name), 'mixed', single, null),
        ]
      : []),
  ]);
  if (single) return ofSplits;
  const seconds = splits.reduce((sum, { about }) => sum + about.train_seconds, 0) / splits.length;
  return [
    ...rows(means.target, 'mean', target, true, seconds),
    ...rows(means.seen ?? [], seenSetOf('mean'), 'seen', true, null),
    ...rows(means.harmonic ?? [], harmonicSetOf('mean'), 'mixed', true, null),
    ...ofSplits,
  ];
}

/** The name of the set of test pairs of seen classes. */
export function seenSetOf(name: string): string {
  return name === 'unseen' ? 'seen' : `${name}, seen`;
}

function harmonicSetOf(name: string): string {
  return name === 'unseen' ? 'harmonic mean' : `${name}, harmonic mean`;
}

function commandOf({ folder, protocol, preset, seeds, set, feedback = 0 }: EvaluateBundleRequest): string {
  const settings = Object.entries(set).flatMap(([name, value]) =>
    typeof value === 'object' && !Array.isArray(value)
      ? Object.entries(value).map(([inner, of]) => `--set ${name}.${inner}=${String(of)}`)
      : [`--set ${name}=${String(value)}`],
  );
  return [
    `commonspace evaluate --bundle ${basename(resolve(folder))} --protocol ${protocol} --preset ${preset} --seeds ${seeds.join(',')}`,
    ...settings,
    ...(feedback > 0 ? [`--feedback ${feedback}`] : []),
  ].join(' ');
}
