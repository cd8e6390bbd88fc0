import { Command } from 'commander';
import { SHIPPED_COEFFICIENTS } from '../domain/fusion.js';
import { table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';

export function calibrateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('calibrate'))
    .description(
      'fit again, without training, how searches score pictures that have no caption; a training does so at its end',
    )
    .action((options: GlobalOptions) =>
      run(openApp, options, {}, async ({ out, open, signal }) => {
        const app = await open();
        const progress = createProgress('calibrate');
        const result = await app
          .calibrate({ signal, onProgress: (done, all) => progress.update(done, all, 'queries') })
          .finally(() => progress.stop());
        const shipped = SHIPPED_COEFFICIENTS.TEXT.withoutCounterpart;
        const used = result.coefficients?.withoutCounterpart ?? shipped;
        out.print(
          table(
            ['picture without a caption', 'shipped', 'in use'],
            (Object.keys(shipped) as (keyof typeof shipped)[]).map((term) => [
              term,
              shipped[term].toFixed(2),
              used[term].toFixed(2),
            ]),
            ['left', 'right', 'right'],
          ),
        );
        out.print(
          result.reason === null
            ? `Fitted on ${result.queries} queries from ${result.pairs} held-out pairs.`
            : `The shipped coefficients are in use. ${result.reason}`,
        );
        out.printJson(result);
      }),
    );
}
