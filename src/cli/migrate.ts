import { Command } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import { readNumber } from './arguments.js';
import type { Output } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

type App = Awaited<ReturnType<OpenApp>>;

interface MigrateOptions extends GlobalOptions {
  readonly distribute?: boolean;
  readonly shards?: number;
}

export function migrateCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('migrate'))
    .description(
      'apply pending migrations to the database (every other command also does this when it starts)',
    )
    .option(
      '--distribute',
      'then distribute the tables over the workers of a Citus database (docs/operations.md)',
    )
    .option(
      '--shards <n>',
      'with --distribute: the number of shards (default: 8)',
      readNumber('--shards', { integer: true, min: 1, max: 256 }),
    )
    .action((options: MigrateOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        if (options.shards !== undefined && !options.distribute)
          throw new CommonspaceError('BAD_INPUT', '--shards needs --distribute.', ['shards']);
        const app = await open();
        const { applied, migrations } = (await app.describe()).database;
        out.print(
          applied.length === 0
            ? `The database is up to date (${migrations.length} migrations).`
            : `Applied ${applied.join(', ')}.`,
        );
        const distributed = options.distribute ? await distribute(app, options.shards, out) : null;
        out.printJson({ applied, migrations, ...(distributed && { distributed }) });
      }),
    );
}

async function distribute({ nodes }: App, wanted: number | undefined, out: Output) {
  const before = await nodes.topology();
  const { shards, workers } = await nodes.distribute(wanted);
  const done = before === null ? 'The tables are distributed now' : 'The tables were distributed already';
  out.print(`${done}: ${shards} shards on ${workers.length} workers (${workers.join(', ')}).`);
  if (wanted !== undefined && wanted !== shards)
    out.print(`They keep their ${shards} shards; another number needs an export and an import.`);
  if (before === null)
    out.print(
      'Start the servers now. They build the vector indexes in the background; searches are exact until then.',
    );
  return { shards, workers };
}
