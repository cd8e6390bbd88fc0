import { Command } from 'commander';
import type { ModelCheck } from '../services/evaluate/model-check.js';
import type { ListedModel } from '../services/evaluate/model-service.js';
import { readNumber } from './arguments.js';
import { type Output, table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface CheckOptions extends GlobalOptions {
  readonly on: string;
  readonly rows?: number;
  readonly seed: number;
}

export function modelsCommand(openApp: OpenApp): Command {
  const command = withGlobalOptions(new Command('models'))
    .description('list the models that features can be extracted by: built in, configured, known')
    .action((options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const models = (await open()).models.list();
        printModels(out, models);
        out.printJson({ models });
      }),
    );
  command.addCommand(
    withGlobalOptions(new Command('check'))
      .description('measure a model on a folder of pictures: speed, and retrieval without any training')
      .argument('<name>', 'default, hsv-hog, dir:PATH, onnx:PATH or hf:ORG/NAME')
      .requiredOption('--on <folder>', 'the folder with metadata.jsonl, as `ingest` reads it')
      .option(
        '--rows <n>',
        'rows at most (default: 1000)',
        readNumber('rows', { integer: true, min: 1, max: 20_000 }),
      )
      .option(
        '--seed <n>',
        'which pairs are measured',
        readNumber('seed', { integer: true, min: 0, max: 2 ** 31 - 1 }),
        0,
      )
      .action((name: string, options: CheckOptions) =>
        run(openApp, options, SHORT, async ({ out, open, signal }) => {
          const app = await open();
          const progress = createProgress('check');
          const check = await app.models
            .check(name, options.on, {
              signal,
              seed: options.seed,
              ...(options.rows !== undefined && { mostRows: options.rows }),
              onProgress: (done, all, what) => progress.update(done, all, what),
            })
            .finally(() => progress.stop());
          printCheck(out, check);
          out.printJson(check);
        }),
      ),
  );
  return command;
}

function printModels(out: Output, models: readonly ListedModel[]): void {
  const sides = ({ images, texts }: ListedModel) =>
    [images ? 'images' : '', texts ? 'texts' : ''].filter((side) => side !== '').join(', ');
  out.print(
    table(
      ['model', 'for', 'MB', 'languages', 'licence', 'from', 'purpose'],
      models.map((model) => [
        model.name,
        sides(model),
        model.megabytes === undefined ? '' : String(model.megabytes),
        model.languages ?? '',
        model.licence ?? '',
        model.inUse.length > 0 ? `${model.from}; in use` : model.from,
        model.purpose ?? '',
      ]),
      ['left', 'left', 'right', 'left', 'left', 'left', 'left'],
    ),
  );
}

function printCheck(out: Output, { images, texts, retrieval, space, notes }: ModelCheck): void {
  const rows = [['pictures', images] as const, ['texts', texts] as const].flatMap(([what, side]) =>
    side === null
      ? []
      : [[what, side.extractor, String(side.dimension), String(side.items), side.perSecond.toFixed(1)]],
  );
  out.print(
    table(['', 'extractor', 'numbers', 'items', 'items/s'], rows, [
      'left',
      'left',
      'right',
      'right',
      'right',
    ]),
  );
  if (space === null) out.print('\nIts features share no space: retrieval needs a training.');
  if (retrieval !== null) {
    out.print(`\nCounterparts of ${retrieval.pairs} pairs, mean of both directions:`);
    out.print(
      table(
        ['', 'recall@1', 'recall@10', 'MRR@10'],
        retrieval.rows.map(({ method, recallAt1, recallAt10, mrrAt10 }) => [
          method,
          recallAt1.toFixed(3),
          recallAt10.toFixed(3),
          mrrAt10.toFixed(3),
        ]),
        ['left', 'right', 'right', 'right'],
      ),
    );
  }
  for (const note of notes) out.print(`Note: ${note}`);
}
