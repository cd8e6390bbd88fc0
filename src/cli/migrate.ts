import { Command } from 'commander';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

export function migrateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('migrate'))
    .description(
      'apply pending migrations to the database (every other command also does this when it starts)',
    )
    .action((options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const { applied, migrations } = (await app.describe()).database;
        out.print(
          applied.length === 0
            ? `The database is up to date (${migrations.length} migrations).`
            : `Applied ${applied.join(', ')}.`,
        );
        out.printJson({ applied, migrations });
      }),
    );
}
