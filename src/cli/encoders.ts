import { Command } from 'commander';
import { ENCODER_STATES, type EncoderState } from '../domain/encoder-status.js';
import { figuresOf, type PartRecord } from '../domain/evaluation-record.js';
import { readChoice, readNumber } from './arguments.js';
import type { EncoderBackend, EncoderView } from './backend/backend.js';
import { heldOutSummary } from './held-out-summary.js';
import { oneLine, table } from './output.js';
import { compositionLine, printRecord } from './print-evaluation.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';
import { describeEpoch } from './training-progress.js';

interface EncodersOptions extends GlobalOptions {
  readonly state?: EncoderState;
  readonly first: number;
}

export function encodersCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('encoders'))
    .description('list the versions of the encoder, the newest first; remove a version, or cancel a training')
    .option('--state <state>', 'only those in this state', readChoice(ENCODER_STATES))
    .option(
      '--first <n>',
      'maximum number of encoders',
      readNumber('first', { integer: true, min: 1, max: 100 }),
      20,
    )
    .action((options: EncodersOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const backend = await connect();
        const { totalCount, encoders: rows } = await backend.encoders.page(
          options.state ?? null,
          options.first,
        );
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
        async (encoders, id) => {
          await encoders.remove(id);
          return `Encoder ${id} was removed.`;
        },
      ),
    )
    .addCommand(
      oneEncoder(openApp, 'cancel', 'cancel a training; it can be resumed', async (encoders, id) => {
        await encoders.cancel(id);
        return `Training ${id} was cancelled.`;
      }),
    );
}

function showCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('show'))
    .description('show one encoder: what an embedding consists of, its figures on held-out pairs, its notes')
    .argument('<id>', 'the encoder')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const { encoders } = await connect();
        const row = await encoders.require(id);
        const composition = await row.parts();
        out.print(`Encoder ${row.id}, ${row.state}. ${remark(row)}`.trim());
        out.print(`Features by ${row.imageExtractor} and ${row.textExtractor}.`);
        const record = row.evaluation;
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
  work: (encoders: EncoderBackend, id: string) => Promise<string>,
): Command {
  return withServerOptions(new Command(name))
    .description(what)
    .argument('<id>', 'the encoder')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        out.print(await work((await connect()).encoders, id));
        out.printJson({ encoder: id });
      }),
    );
}

function line(row: EncoderView): string[] {
  return [
    row.id,
    row.state,
    row.preset ?? '',
    figure(meanMap(row.evaluation?.seen)),
    figure(meanMap(row.evaluation?.unseen)),
    row.createdAt.toISOString().slice(0, 16).replace('T', ' '),
    remark(row),
  ];
}

/** The failure, the progress, or the gate's refusal. */
function remark({ failure, progress, promotion }: EncoderView): string {
  if (failure !== null) return oneLine(`${failure.code}: ${failure.message}`, 60);
  if (progress === null) return oneLine(promotion?.refusal ?? '', 60);
  const { stage, done, all, epoch } = progress;
  return oneLine(`${stage} ${done}/${all} ${epoch === null ? '' : describeEpoch(epoch)}`, 100);
}

function described({ evaluation, notes: _notes, parts: _parts, ...row }: EncoderView): object {
  const { promotion, createdAt, activatedAt, retiredAt, ...rest } = row;
  const holdout = heldOutSummary(evaluation);
  return { ...rest, holdout, promotion, createdAt, activatedAt, retiredAt };
}

function meanMap(part: PartRecord | null | undefined): number | null {
  return figuresOf(part?.methods, 'masln')?.avg['map@all'].value ?? null;
}

const figure = (value: number | null): string => value?.toFixed(3) ?? '–';
