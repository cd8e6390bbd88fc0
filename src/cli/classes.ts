import { Command } from 'commander';
import { readNumber } from './arguments.js';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';

interface ClassesOptions extends GlobalOptions {
  readonly search?: string;
  readonly first: number;
}

export function classesCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('classes'))
    .description(
      'list the classes by name, with item counts and whether the active encoder was trained with them',
    )
    .option('--search <text>', 'only classes whose name contains this text')
    .option(
      '--first <n>',
      'maximum number of classes',
      readNumber('first', { integer: true, min: 1, max: 200 }),
      200,
    )
    .action((options: ClassesOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const backend = await connect();
        const { totalCount, classes } = await backend.classes(options.search ?? null, options.first);
        const rows = classes.map((c) => [
          c.name,
          String(c.images),
          String(c.texts),
          c.seen ? 'seen' : 'unseen',
        ]);
        out.print(
          rows.length === 0
            ? 'No classes yet.'
            : table(['class', 'images', 'texts', ''], rows, ['left', 'right', 'right']),
        );
        if (totalCount > rows.length)
          out.note(`${rows.length} of ${totalCount} classes are shown. Use --search to filter them.`);
        out.printJson({ totalCount, classes });
      }),
    );
}
