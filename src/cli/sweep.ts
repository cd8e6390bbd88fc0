import { Command } from 'commander';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface SweepOptions extends GlobalOptions {
  readonly features?: boolean;
}

export function sweepCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('sweep'))
    .description(
      'remove what nothing refers to any more and is older than a day; a server does so every six hours',
    )
    .option(
      '--features',
      'also remove features of extractors that no encoder uses and that are not configured',
    )
    .action((options: SweepOptions) =>
      run(openApp, options, SHORT, async ({ out, open, signal }) => {
        const app = await open();
        const report = await app.sweep.run({ features: options.features === true, signal });
        out.print(
          table(
            ['removed', ''],
            [
              ['uploads that no item shows', String(report.uploads)],
              ['picture files without a record', String(report.files)],
              ['uploaded files that no job needs', String(report.sources)],
              ['thumbnails without their picture', String(report.thumbnails)],
              ['pairs without an item', String(report.pairs)],
              ['folders of unfinished evaluations and removed encoders', String(report.runs)],
              ...report.features
                .filter(({ removed }) => removed)
                .map(({ extractor, items }) => [`features of ${extractor}`, String(items)]),
            ],
            ['left', 'right'],
          ),
        );
        for (const { extractor, items, removed } of report.features) {
          if (!removed)
            out.note(
              `${items} items have features of ${extractor}, which is not in use; --features removes them.`,
            );
        }
        out.printJson(report);
      }),
    );
}
