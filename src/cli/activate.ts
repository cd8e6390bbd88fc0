import { Command } from 'commander';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';

interface ActivateOptions extends GlobalOptions {
  readonly force?: boolean;
}

export function activateCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('activate'))
    .description('make an encoder the active one, which searches use; see `commonspace encoders`')
    .argument('<id>', 'the id of the encoder, or `previous` for the one that was active before')
    .option('--force', 'even if it retrieves worse than the active one')
    .action((id: string, options: ActivateOptions) =>
      run(openApp, options, SHORT, async ({ out, connect, signal }) => {
        const { encoders } = await connect();
        const wanted = id === 'previous' ? await encoders.previous() : id;
        const before = await encoders.active();
        const active = await encoders.activate(wanted, { force: options.force ?? false, signal });
        out.print(
          before === active
            ? `Encoder ${active} is already active.`
            : `Encoder ${active} is active now${before === null ? '' : `; the previous one is ${before}`}.`,
        );
        out.printJson({ encoder: active, before });
      }),
    );
}
