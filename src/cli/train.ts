import { Command } from 'commander';
import type { TrainOptionsInput, TrainRequest } from '../services/encoders/train-request.js';
import type { TrainingReport } from '../services/encoders/training-service.js';
import { readChoice, readMetadata, readNumber } from './arguments.js';
import type { TrainingBackend, TrainingHooks } from './backend/backend.js';
import { heldOutSummary } from './held-out-summary.js';
import type { Output } from './output.js';
import { printRecord } from './print-evaluation.js';
import { type GlobalOptions, type OpenApp, run, withServerOptions } from './run.js';
import { setOption } from './train-options.js';
import { showTraining } from './training-progress.js';

interface TrainCommandOptions extends GlobalOptions {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  readonly unseen?: readonly string[];
  readonly holdout: number;
  readonly epochs?: number;
  readonly learnFrom?: Readonly<Record<string, string>>;
  readonly imageExtractor?: string;
  readonly textExtractor?: string;
  readonly set?: TrainOptionsInput;
  readonly tune?: 'pairs' | 'classes' | 'none';
  readonly freeze?: 'image';
  readonly activate: boolean;
  readonly force?: boolean;
  readonly resume?: string;
  readonly from?: string;
}

export function trainCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('train'))
    .description("train an encoder on the catalogue's pairs, embed all items with it and activate it")
    .option(
      '--preset <name>',
      'paper: the losses of the paper alone; default: the options with the best validation figures',
      readChoice(['paper', 'default']),
      'default',
    )
    .option(
      '--seed <n>',
      'the same seed gives the same encoder',
      readNumber('seed', { integer: true, min: 0, max: 2 ** 31 - 1 }),
      0,
    )
    .option('--unseen <class...>', 'classes to keep out of training, to measure retrieval of unseen classes')
    .option(
      '--holdout <fraction>',
      'share of the other pairs to keep out of training and to measure on',
      readNumber('holdout', { min: 0, max: 0.9 }),
      0.1,
    )
    .option(
      '--epochs <n>',
      "passes over the pairs at most (default: the preset's)",
      readNumber('epochs', { integer: true, min: 1, max: 10_000 }),
    )
    .option(
      '--image-extractor <id>',
      'image extractor to train on: default, hsv-hog, dir:PATH, onnx:PATH, hf:ORG/NAME or the id of one in use (default: COMMONSPACE_IMAGE_MODEL)',
    )
    .option(
      '--text-extractor <id>',
      'text extractor to train on: default, onnx:PATH, hf:ORG/NAME or the id of one in use (default: COMMONSPACE_TEXT_MODEL)',
    )
    .addOption(setOption())
    .option(
      '--tune <rows>',
      'what is held out of the training set to choose shares, regularisation and epochs on: pairs, classes, for retrieval of unseen classes, or none, which takes the preset unchanged and is faster (default: pairs)',
      readChoice(['pairs', 'classes', 'none']),
    )
    .option(
      '--learn-from <key=value>',
      'train only on pictures with this metadata, and measure on the others; may be given again',
      readMetadata,
    )
    .option('--no-activate', 'do not activate the encoder, unless it is the first one')
    .option(
      '--force',
      'activate the encoder even if it retrieves worse than the active one or its pre-trained model',
    )
    .option(
      '--from <id>',
      'continue from a version with the pairs added since, in a quarter of the epochs and with its options and held-out pairs',
    )
    .option(
      '--freeze <side>',
      'with --from: image keeps the image side of that version and trains the text side alone, so that no picture is embedded again',
      readChoice(['image']),
    )
    .option('--resume <id>', 'continue a training that failed or was cancelled, with its own options')
    .action((options: TrainCommandOptions) =>
      run(openApp, options, {}, async ({ out, connect, signal }) => {
        const { training } = await connect();
        const report =
          options.resume === undefined
            ? await train(training, requestOf(options), out, signal)
            : await resume(training, options.resume, out, signal);
        printReport(out, report);
        if (report.refusal !== null) {
          out.note(
            `Not activated: ${report.refusal} \`commonspace activate ${report.encoder} --force\` activates it.`,
          );
        }
        out.printJson(reportJson(report));
      }),
    );
}

function requestOf(options: TrainCommandOptions): TrainRequest {
  return {
    preset: options.preset,
    seed: options.seed,
    unseen: options.unseen ?? [],
    holdout: options.holdout,
    epochs: options.epochs ?? null,
    imageExtractor: options.imageExtractor ?? null,
    textExtractor: options.textExtractor ?? null,
    options: {
      ...options.set,
      ...(options.tune !== undefined && { tune: options.tune }),
      ...(options.freeze !== undefined && { freeze: options.freeze }),
    },
    learnFrom: options.learnFrom === undefined ? null : { metadata: options.learnFrom },
    activate: options.activate,
    force: options.force ?? false,
    from: options.from ?? null,
  };
}

/** Trains, and shows the progress of each stage. */
export function train(
  training: TrainingBackend,
  request: TrainRequest,
  out: Output,
  signal?: AbortSignal,
): Promise<TrainingReport> {
  return shown(training, out, signal, (hooks) => training.train(request, hooks));
}

function resume(
  training: TrainingBackend,
  id: string,
  out: Output,
  signal: AbortSignal,
): Promise<TrainingReport> {
  return shown(training, out, signal, (hooks) => training.resume(id, hooks));
}

async function shown(
  training: TrainingBackend,
  out: Output,
  signal: AbortSignal | undefined,
  work: (hooks: TrainingHooks) => Promise<TrainingReport>,
): Promise<TrainingReport> {
  const progress = showTraining();
  let encoder: string | null = null;
  try {
    return await work({
      onStart: (id) => {
        encoder = id;
      },
      onProgress: progress.update,
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    progress.stop();
    // The error of the training is the one to show.
    if (encoder !== null && (await training.isResumable(encoder).catch(() => false))) {
      out.note(`\`commonspace train --resume ${encoder}\` continues it.`);
    }
    throw error;
  } finally {
    progress.stop();
  }
}

/** Prints what a training measured. */
export function printReport(out: Output, { evaluation, notes, seconds }: TrainingReport): void {
  if (evaluation !== null) printRecord(out, evaluation);
  out.print(`\nThe training took ${seconds.toFixed(1)} s.`);
  for (const note of notes) out.print(`Note: ${note}`);
}

/** The report as `--json` prints it: a summary of the figures, then the whole record. */
export function reportJson({ notes, evaluation, ...report }: TrainingReport): object {
  return { ...report, holdout: heldOutSummary(evaluation), evaluation, notes };
}
