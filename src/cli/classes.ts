import { Command } from 'commander';
import { readNumber } from './arguments.js';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface ClassesOptions extends GlobalOptions {
  readonly search?: string;
  readonly first: number;
}

export function classesCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('classes'))
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
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const page = await app.classes.page(options.search ?? null, null, options.first, null);
        const ids = page.classes.map(({ row }) => row.id);
        const [images, texts, seen] = await Promise.all([
          app.classes.itemCounts(ids, 'IMAGE'),
          app.classes.itemCounts(ids, 'TEXT'),
          app.classes.seenIds(),
        ]);
        const classes = page.classes.map(({ row }) => ({
          id: row.id,
          name: row.name,
          description: row.description,
          images: images.get(row.id) ?? 0,
          texts: texts.get(row.id) ?? 0,
          seen: seen.has(row.id),
        }));
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
        const totalCount = await page.count();
        if (totalCount > rows.length)
          out.note(`${rows.length} of ${totalCount} classes are shown. Use --search to filter them.`);
        out.printJson({ totalCount, classes });
      }),
    );
}
