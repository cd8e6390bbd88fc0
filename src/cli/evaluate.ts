import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { evaluateBundle } from '../services/evaluation/evaluate-bundle.js';
import { PROTOCOLS, type Protocol } from '../services/evaluation/train-for.js';
import type { TrainOptionsInput } from '../services/train-options.js';
import { readChoice } from './arguments.js';
import { showEvaluation } from './evaluate-progress.js';
import { bundleTable } from './print-evaluation.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';
import { setOption } from './train-options.js';

interface EvaluateOptions extends GlobalOptions {
  readonly bundle?: string;
  readonly protocol: Protocol;
  readonly preset: 'paper' | 'default';
  readonly seeds: readonly number[];
  readonly set?: TrainOptionsInput;
  /** True with --tune, false with --no-tune; else as the preset has it. */
  readonly tune?: boolean;
  /** False with --no-runs. */
  readonly runs?: string | false;
}

export function evaluateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('evaluate'))
    .description(
      'train and measure on a folder of features, beside chance, CCA and the losses of the paper on the same rows',
    )
    .option(
      '--bundle <dir>',
      'folder of features: img_train.npy, txt_train.npy, label_train.npy, the same for test, classes.json',
    )
    .option(
      '--protocol <name>',
      'non-extendable: all classes are trained on; extendable: measured on classes that are not',
      readChoice(PROTOCOLS),
      'non-extendable',
    )
    .option(
      '--preset <name>',
      'paper: the losses of the paper; default: what measures best',
      readChoice(['paper', 'default']),
      'default',
    )
    .option('--seeds <n,n,…>', 'one training for each', readSeeds, [0])
    .addOption(setOption())
    .option(
      '--tune',
      "choose shares and regularisation on held-out training rows, as `default` does by itself; takes a few networks' time",
    )
    .option('--no-tune', 'take the preset as it is')
    .option('--runs <dir>', 'where the report and everything else of the run is kept (default: ./runs)')
    .option('--no-runs', 'keep nothing of the run')
    .action((options: EvaluateOptions) =>
      run(openApp, options, {}, async ({ out, signal }) => {
        const shown = showEvaluation();
        try {
          const report = await evaluateBundle(
            {
              folder: options.bundle ?? '',
              protocol: options.protocol,
              preset: options.preset,
              seeds: options.seeds,
              set: { ...options.set, ...tuning(options) },
              runs: options.runs === false ? null : (options.runs ?? 'runs'),
            },
            { onProgress: shown.update, signal },
          );
          shown.stop();
          out.print(bundleTable(report));
          if (report.run !== null) out.note(`\nReport: ${join(report.run, 'report.html')}`);
          out.printJson(report);
        } finally {
          shown.stop();
        }
      }),
    );
}

function tuning({ tune, protocol }: EvaluateOptions): TrainOptionsInput {
  if (tune === undefined) return {};
  if (!tune) return { tune: 'none' };
  return { tune: protocol === 'extendable' ? 'classes' : 'pairs' };
}

function readSeeds(value: string): readonly number[] {
  const seeds = value.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31))
    throw new InvalidArgumentError('must be whole numbers from 0 up, with commas between them.');
  if (new Set(seeds).size < seeds.length) throw new InvalidArgumentError('has a seed twice.');
  return seeds;
}
