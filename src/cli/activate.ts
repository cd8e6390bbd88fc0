import { Command } from 'commander';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface ActivateOptions extends GlobalOptions {
  readonly force?: boolean;
}

export function activateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('activate'))
    .description('make an encoder the active one, which searches use; see `commonspace encoders`')
    .argument('<id>', 'the id of the encoder, or `previous` for the one that was active before')
    .option('--force', 'even if it retrieves worse than the active one')
    .action((id: string, options: ActivateOptions) =>
      run(openApp, options, SHORT, async ({ out, open, signal }) => {
        const app = await open();
        const wanted = id === 'previous' ? (await app.encoders.previous()).id : id;
        const before = await app.training.active();
        const row = await app.encoders.activate(wanted, { force: options.force ?? false, signal });
        out.print(
          before?.id === row.id
            ? `Encoder ${row.id} is already active.`
            : `Encoder ${row.id} is active now${before === null ? '' : `; the previous one is ${before.id}`}.`,
        );
        out.printJson({ encoder: row.id, before: before?.id ?? null });
      }),
    );
}
