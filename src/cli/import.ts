import { Command } from 'commander';
import { table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';

interface ImportCommandOptions extends GlobalOptions {
  readonly merge?: boolean;
}

export function importCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('import'))
    .description('store the archive of a catalogue; repeat it to continue an import that was interrupted')
    .argument('<file>', 'an archive of `commonspace export`')
    .option('--merge', 'add to a catalogue that has other data; what exists stays as it is')
    .action((file: string, options: ImportCommandOptions) =>
      run(openApp, options, {}, async ({ out, open, signal }) => {
        const app = await open();
        const progress = createProgress('import');
        const report = await app.archiveImport
          .run(file, {
            merge: options.merge === true,
            signal,
            onProgress: (done, all) => progress.update(done, all, 'members'),
          })
          .finally(() => progress.stop());
        if (report.items + report.vectors > 0) await app.maintain();
        out.print(
          table(
            ['stored', ''],
            [
              ['pictures', String(report.pictures)],
              ['classes', String(report.classes)],
              ['items', String(report.items)],
              ['encoders', String(report.encoders)],
              ['features and embeddings', String(report.vectors)],
            ],
            ['left', 'right'],
          ),
        );
        if (report.missingPictures > 0)
          out.note(`The archive lacks the bytes of ${report.missingPictures} pictures.`);
        out.printJson(report);
      }),
    );
}
