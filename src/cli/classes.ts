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
    )
    .addCommand(renameCommand(openApp))
    .addCommand(mergeCommand(openApp))
    .addCommand(deleteCommand(openApp));
}

interface RenameOptions extends GlobalOptions {
  readonly to?: string;
  /** False: --no-description. */
  readonly description?: string | false;
}

function renameCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('rename'))
    .description('rename a class, or change its description; its items keep the label')
    .argument('<name>', 'the class')
    .option('--to <name>', 'the new name')
    .option('--description <text>', 'what the name means')
    .option('--no-description', 'remove the description')
    .action((name: string, { to, description, ...options }: RenameOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const { classChanges } = await connect();
        // Commander gives true for an option `--no-…` that is not used.
        const given =
          typeof description === 'string' ? description : description === false ? null : undefined;
        const row = await classChanges.rename(name, to, given);
        out.print(`The class is "${row.name}"${row.description === null ? '' : `: ${row.description}`}.`);
        out.printJson(row);
      }),
    );
}

interface MergeOptions extends GlobalOptions {
  readonly into: string;
}

function mergeCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('merge'))
    .description('give the items of some classes the label of another one, and delete the former')
    .argument('<names...>', 'the classes to delete')
    .requiredOption('--into <name>', 'the class to keep')
    .action((names: string[], { into, ...options }: MergeOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const { classChanges } = await connect();
        const row = await classChanges.merge(names, into);
        out.print(`${names.length} classes were merged into "${row.name}".`);
        out.printJson(row);
      }),
    );
}

function deleteCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('delete'))
    .description('delete a class; its items stay, without the label')
    .argument('<name>', 'the class')
    .action((name: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const { classChanges } = await connect();
        const deletedId = await classChanges.delete(name);
        out.print(`The class "${name}" was deleted.`);
        out.printJson({ deletedId });
      }),
    );
}
