import { Command } from 'commander';
import { ENCODER_STATES, type EncoderState } from '../domain/encoder-status.js';
import { figuresOf, type PartRecord } from '../domain/evaluation-record.js';
import { storedEvaluation } from '../services/encoders/stored-evaluation.js';
import type { EncoderRow } from '../services/models.js';
import { readChoice, readNumber } from './arguments.js';
import { heldOutSummary } from './held-out-summary.js';
import { oneLine, table } from './output.js';
import { compositionLine, printRecord } from './print-evaluation.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';
import { describeEpoch } from './training-progress.js';

interface EncodersOptions extends GlobalOptions {
  readonly state?: EncoderState;
  readonly first: number;
}

export function encodersCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('encoders'))
    .description('list the versions of the encoder, the newest first; remove a version, or cancel a training')
    .option('--state <state>', 'only those in this state', readChoice(ENCODER_STATES))
    .option(
      '--first <n>',
      'maximum number of encoders',
      readNumber('first', { integer: true, min: 1, max: 100 }),
      20,
    )
    .action((options: EncodersOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const states = options.state === undefined ? null : [options.state];
        const page = await app.encoders.page(states, options.first, null);
        const rows = page.encoders.map(({ row }) => row);
        out.print(
          rows.length === 0
            ? 'No encoders yet; `commonspace train` makes one.'
            : table(['encoder', 'state', 'preset', 'map seen', 'unseen', 'created', ''], rows.map(line), [
                'left',
                'left',
                'left',
                'right',
                'right',
              ]),
        );
        const totalCount = await page.count();
        if (totalCount > rows.length) out.note(`${rows.length} of ${totalCount} encoders.`);
        out.printJson({ totalCount, encoders: rows.map(described) });
      }),
    )
    .addCommand(showCommand(openApp))
    .addCommand(
      oneEncoder(
        openApp,
        'remove',
        'remove an encoder that is not in use, with its embeddings',
        async (app, id) => {
          await app.encoders.remove(id);
          return `Encoder ${id} was removed.`;
        },
      ),
    )
    .addCommand(
      oneEncoder(openApp, 'cancel', 'cancel a training; it can be resumed', async (app, id) => {
        await app.training.cancel(id);
        return `Training ${id} was cancelled.`;
      }),
    );
}

function showCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('show'))
    .description('show one encoder: what an embedding consists of, its figures on held-out pairs, its notes')
    .argument('<id>', 'the encoder')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const { encoders } = await open();
        const row = await encoders.require(id);
        const composition = await encoders.parts(row);
        out.print(`Encoder ${row.id}, ${row.state}. ${remark(row)}`.trim());
        out.print(`Features by ${row.imageExtractor} and ${row.textExtractor}.`);
        const record = storedEvaluation(row);
        if (record !== null) printRecord(out, { ...record, composition });
        else if (composition.length > 0) out.print(compositionLine([composition]));
        out.printJson({ ...described(row), parts: composition });
      }),
    );
}

function oneEncoder(
  openApp: OpenApp,
  name: string,
  what: string,
  work: (app: Awaited<ReturnType<OpenApp>>, id: string) => Promise<string>,
): Command {
  return withGlobalOptions(new Command(name))
    .description(what)
    .argument('<id>', 'the encoder')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        out.print(await work(await open(), id));
        out.printJson({ encoder: id });
      }),
    );
}

function line(row: EncoderRow): string[] {
  const evaluation = storedEvaluation(row);
  return [
    row.id,
    row.state,
    row.request?.preset ?? row.config.preset ?? '',
    figure(meanMap(evaluation?.seen)),
    figure(meanMap(evaluation?.unseen)),
    row.createdAt.toISOString().slice(0, 16).replace('T', ' '),
    remark(row),
  ];
}

/** The failure, the progress, or the gate's refusal. */
function remark(row: EncoderRow): string {
  if (row.state === 'failed') return oneLine(`${row.failure.code}: ${row.failure.message}`, 60);
  if (!('progress' in row) || row.progress === null) {
    return oneLine(row.report.promotion?.refusal ?? '', 60);
  }
  const { stage, done, all, epoch } = row.progress;
  return oneLine(`${stage} ${done}/${all} ${epoch === null ? '' : describeEpoch(epoch)}`, 100);
}

function described(row: EncoderRow): object {
  const { id, state, dimension, imageExtractor, textExtractor, createdAt, activatedAt, retiredAt } = row;
  const { pairs = null, classes = null, promotion = null, seconds = null } = row.report;
  return {
    id,
    state,
    progress: 'progress' in row ? row.progress : null,
    failure: row.state === 'failed' ? row.failure : null,
    preset: row.request?.preset ?? row.config.preset ?? null,
    seed: row.request?.seed ?? row.config.seed ?? null,
    dimension,
    imageExtractor,
    textExtractor,
    pairs,
    classes,
    seconds,
    holdout: heldOutSummary(storedEvaluation(row)),
    promotion,
    createdAt,
    activatedAt,
    retiredAt,
  };
}

function meanMap(part: PartRecord | null | undefined): number | null {
  return figuresOf(part?.methods, 'masln')?.avg['map@all'].value ?? null;
}

const figure = (value: number | null): string => value?.toFixed(3) ?? '–';
