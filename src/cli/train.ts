import { Command } from 'commander';
import type { RetrievalFigures } from '../evaluation/evaluation.js';
import type { TrainOptionsInput } from '../services/encoders/train-options.js';
import type {
  TrainingCallbacks,
  TrainingReport,
  TrainRequest,
} from '../services/encoders/training-service.js';
import type { App } from '../services/services.js';
import { readChoice, readMetadata, readNumber } from './arguments.js';
import { type Output, table } from './output.js';
import { printClassification } from './print-classification.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';
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
  readonly set?: TrainOptionsInput;
  readonly activate: boolean;
  readonly force?: boolean;
  readonly resume?: string;
}

export function trainCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('train'))
    .description(
      "train an encoder on the catalogue's pairs, embed everything with it and make it the active one",
    )
    .option(
      '--preset <name>',
      'paper: the losses of the paper; default: what measures best',
      readChoice(['paper', 'default']),
      'default',
    )
    .option(
      '--seed <n>',
      'the same seed gives the same encoder',
      readNumber('seed', { integer: true, min: 0, max: 2 ** 31 - 1 }),
      0,
    )
    .option('--unseen <class...>', 'classes to keep out of training, to measure how the space serves them')
    .option(
      '--holdout <fraction>',
      'share of the other pairs to keep out, to measure on',
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
      'image extractor to train on: default, hsv-hog, dir:PATH or the id of one in use (default: COMMONSPACE_IMAGE_MODEL)',
    )
    .addOption(setOption())
    .option(
      '--learn-from <key=value>',
      'learn only from pictures whose metadata says so, and measure on the others; may be given again',
      readMetadata,
    )
    .option('--no-activate', 'leave the encoder in use as it is; the first one is activated all the same')
    .option('--force', 'activate it even if it retrieves worse than the one in use')
    .option('--resume <id>', 'go on with a training that failed or was cancelled, as it was asked for then')
    .action((options: TrainCommandOptions) =>
      run(openApp, options, {}, async ({ out, open, signal }) => {
        const app = await open();
        const report =
          options.resume === undefined
            ? await train(app, requestOf(options), out, signal)
            : await resume(app, options.resume, out, signal);
        printReport(out, report);
        if (report.refusal !== null) {
          out.note(
            `Not activated: ${report.refusal} \`commonspace activate ${report.encoder} --force\` does it.`,
          );
        }
        const { notes, ...json } = report;
        out.printJson({ ...json, notes });
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
    options: options.set ?? {},
    learnFrom: options.learnFrom === undefined ? null : { metadata: options.learnFrom },
    activate: options.activate,
    force: options.force ?? false,
  };
}

/** Trains with progress shown for each stage. */
export function train(
  app: App,
  request: TrainRequest,
  out: Output,
  signal?: AbortSignal,
): Promise<TrainingReport> {
  return shown(app, out, signal, (hooks) => app.training.train(request, hooks));
}

function resume(app: App, id: string, out: Output, signal: AbortSignal): Promise<TrainingReport> {
  return shown(app, out, signal, (hooks) => app.training.resumeHere(id, hooks));
}

async function shown(
  app: App,
  out: Output,
  signal: AbortSignal | undefined,
  work: (hooks: TrainingCallbacks) => Promise<TrainingReport>,
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
    // It is gone if there was nothing to go on from.
    const row = encoder === null ? null : await app.encoders.byId(encoder);
    if (row?.state === 'failed' || row?.state === 'cancelled') {
      out.note(`\`commonspace train --resume ${row.id}\` goes on from where it was.`);
    }
    throw error;
  } finally {
    progress.stop();
  }
}

/** Both directions of each figure: a picture asks for texts (i→t), a text for pictures (t→i). */
const COLUMNS = [
  { head: 'map@all i→t', key: 'i2t_map' },
  { head: 't→i', key: 't2i_map' },
  { head: 'recall@1 i→t', key: 'i2t_recall@1' },
  { head: 't→i', key: 't2i_recall@1' },
  { head: 'recall@10 i→t', key: 'i2t_recall@10' },
  { head: 't→i', key: 't2i_recall@10' },
] as const satisfies readonly { head: string; key: keyof RetrievalFigures }[];

/** The figures as a table: the encoder, CCA and chance on the same rows, seen and unseen classes apart. */
export function printReport(out: Output, report: TrainingReport): void {
  out.print(
    `\nEncoder ${report.encoder}: learnt from ${report.pairs} pairs of ${report.classes} classes in ${report.seconds.toFixed(1)} s.`,
  );
  for (const note of report.notes) out.print(`Note: ${note}`);
  const { seen, unseen } = report.holdout;
  const rows = [
    ...(seen === null ? [] : block('seen', seen)),
    ...(unseen === null ? [] : block('unseen', unseen)),
  ];
  if (rows.length === 0) {
    out.print('No pairs were held out, so nothing was measured.');
    return;
  }
  out.print(
    'Retrieval by content alone on held-out pairs (each picture and text asks for its counterpart and its class):\n',
  );
  out.print(
    table(['classes', 'method', ...COLUMNS.map(({ head }) => head), 'pictures × texts'], rows, [
      'left',
      'left',
      ...COLUMNS.map(() => 'right' as const),
      'right',
    ]),
  );
  const { classification } = report.holdout;
  if (classification !== null) printClassification(out, classification);
}

function block(name: string, compared: NonNullable<TrainingReport['holdout']['seen']>): string[][] {
  const size = `${compared.images} × ${compared.texts}`;
  const line = (method: string, figures: RetrievalFigures, first: string) => [
    first,
    method,
    ...COLUMNS.map(({ key }) => figures[key]?.toFixed(3) ?? '–'),
    first === '' ? '' : size,
  ];
  return [line('MASLN', compared, name), line('CCA', compared.cca, ''), line('chance', compared.chance, '')];
}
