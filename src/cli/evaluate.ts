import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import type { TrainOptionsInput } from '../services/encoders/train-request.js';
import { catalogueReport } from '../services/evaluate/catalogue-report.js';
import { evaluateBundle } from '../services/evaluate/evaluate-bundle.js';
import { PROTOCOLS, type Protocol } from '../services/evaluate/train-for.js';
import { readChoice, readNumber } from './arguments.js';
import { showEvaluation } from './evaluate-progress.js';
import { bundleTable, printRecord } from './print-evaluation.js';
import { searchQualityText } from './print-search-quality.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, type Running, run, withGlobalOptions } from './run.js';
import { setOption } from './train-options.js';

interface EvaluateOptions extends GlobalOptions {
  readonly bundle?: string;
  readonly protocol: Protocol;
  readonly preset: 'paper' | 'default';
  readonly seeds: readonly number[];
  readonly set?: TrainOptionsInput;
  /** True with --tune, false with --no-tune; by default as in the preset. */
  readonly tune?: boolean;
  readonly feedback: number;
  readonly encoder?: string;
  readonly paper: boolean;
  /** False with --no-runs. */
  readonly runs?: string | false;
  readonly search?: boolean;
  readonly pairs: number;
  readonly queries: number;
  readonly styleKey?: string;
}

/** Options of one kind of evaluation only. */
const OF_BUNDLES = ['protocol', 'preset', 'seeds', 'set', 'tune', 'feedback'] as const;
const OF_CATALOGUES = ['encoder', 'paper', 'search'] as const;
const OF_SEARCHES = ['pairs', 'queries', 'styleKey'] as const;
/** Options that an evaluation of searches does not have. */
const NOT_OF_SEARCHES = ['encoder', 'paper', 'runs'] as const;

export function evaluateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('evaluate'))
    .description(
      'measure retrieval, with chance, CCA and the losses of the paper on the same pairs: of the active encoder on its held-out pairs, or, with --bundle, of encoders trained on a folder of features',
    )
    .option(
      '--bundle <dir>',
      'folder of features: img_train.npy, txt_train.npy, label_train.npy, the same for test, classes.json',
    )
    .option(
      '--protocol <name>',
      'with --bundle: non-extendable measures seen classes, extendable unseen classes',
      readChoice(PROTOCOLS),
      'non-extendable',
    )
    .option(
      '--preset <name>',
      'with --bundle: paper, the losses of the paper alone, or default, the options with the best validation figures',
      readChoice(['paper', 'default']),
      'default',
    )
    .option('--seeds <n,n,…>', 'with --bundle: one training for each seed', readSeeds, [0])
    .addOption(setOption())
    .option(
      '--tune',
      'with --bundle: choose shares and regularisation on held-out training rows, which the default preset does; it trains some more networks',
    )
    .option('--no-tune', 'with --bundle: use the options of the preset unchanged')
    .option(
      '--feedback <n>',
      'with --bundle: move each query towards its ten best results by this much, 0 to 1, for all methods',
      readNumber('feedback', { min: 0, max: 1 }),
      0,
    )
    .option('--encoder <id>', 'without --bundle: evaluate this encoder instead of the active one')
    .option('--no-paper', 'without --bundle: do not train the losses of the paper for comparison')
    .option(
      '--runs <dir>',
      'folder for the run with its report (default: ./runs with --bundle, else runs/ in the data folder)',
    )
    .option('--no-runs', 'write no run')
    .option(
      '--search',
      'measure whole searches instead: the fused default beside each kind of evidence, by form of the query, in a copy of the catalogue from which captions are taken',
    )
    .option(
      '--pairs <n>',
      'with --search: pairs of the catalogue that are copied',
      readNumber('the number of pairs', { integer: true, min: 1, max: 100_000 }),
      2000,
    )
    .option(
      '--queries <n>',
      'with --search: queries of each form',
      readNumber('the number of queries', { integer: true, min: 1, max: 100_000 }),
      100,
    )
    .option(
      '--style-key <key>',
      'with --search: also keep the captions of one value of this metadata key alone',
    )
    .action((options: EvaluateOptions, command: Command) =>
      run(openApp, options, {}, async (running) => {
        checkOptions(options, (name) => command.getOptionValueSource(name) === 'cli');
        if (options.search) return await onSearches(options, running);
        const shown = showEvaluation();
        try {
          const { bundle } = options;
          await (bundle === undefined
            ? onCatalogue(options, running, shown)
            : onBundle(bundle, options, running, shown));
        } finally {
          shown.stop();
        }
      }),
    );
}

/** @throws CommonspaceError BAD_INPUT for an option of another kind of evaluation */
function checkOptions({ bundle, search }: EvaluateOptions, given: (name: string) => boolean): void {
  const refuse = (names: readonly string[], why: string) => {
    const misplaced = names.find(given);
    if (misplaced !== undefined)
      throw new CommonspaceError('BAD_INPUT', `The option ${misplaced} ${why}.`, [misplaced]);
  };
  if (bundle === undefined) refuse(OF_BUNDLES, 'needs --bundle');
  else refuse(OF_CATALOGUES, 'cannot be used with --bundle');
  if (search) refuse(NOT_OF_SEARCHES, 'cannot be used with --search');
  else refuse(OF_SEARCHES, 'needs --search');
}

async function onSearches(
  { pairs, queries, styleKey }: EvaluateOptions,
  { out, signal, open }: Running,
): Promise<void> {
  const { searchQuality } = await open();
  const progress = createProgress('searches');
  try {
    const record = await searchQuality.measure(
      { pairs, queries: { 'held-out': queries }, seed: 0, styleKey: styleKey ?? null },
      { onProgress: progress.update, signal },
    );
    progress.stop();
    out.print(searchQualityText(record));
    out.printJson(record);
  } finally {
    progress.stop();
  }
}

function tuning({ tune, protocol }: EvaluateOptions): TrainOptionsInput {
  if (tune === undefined) return {};
  if (!tune) return { tune: 'none' };
  return { tune: protocol === 'extendable' ? 'classes' : 'pairs' };
}

async function onBundle(
  folder: string,
  options: EvaluateOptions,
  { out, signal }: Running,
  shown: ReturnType<typeof showEvaluation>,
): Promise<void> {
  const { protocol, preset, seeds, runs, feedback } = options;
  const set = { ...options.set, ...tuning(options) };
  const report = await evaluateBundle(
    { folder, protocol, preset, seeds, set, feedback, runs: runs === false ? null : (runs ?? 'runs') },
    { onProgress: shown.update, signal },
  );
  shown.stop();
  out.print(bundleTable(report));
  if (report.run !== null) out.note(`\nReport: ${join(report.run, 'report.html')}`);
  out.printJson(report);
}

async function onCatalogue(
  { encoder, paper, runs }: EvaluateOptions,
  { out, signal, open }: Running,
  shown: ReturnType<typeof showEvaluation>,
): Promise<void> {
  const { evaluationJobs } = await open();
  const options = { paper, ...(runs !== undefined && { runs: runs === false ? null : runs }) };
  const hooks = { onProgress: shown.update, signal };
  const record = await evaluationJobs.evaluateHere(encoder ?? null, options, hooks);
  shown.stop();
  printRecord(out, record);
  if (record.run !== null) out.note(`\nReport: ${join(record.run, 'report.html')}`);
  out.printJson(catalogueReport(record));
}

function readSeeds(value: string): readonly number[] {
  const seeds = value.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31))
    throw new InvalidArgumentError('must be integers from 0, separated by commas.');
  if (new Set(seeds).size < seeds.length) throw new InvalidArgumentError('has a seed twice.');
  return seeds;
}
