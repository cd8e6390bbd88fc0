import { Command } from 'commander';
import { table } from './output.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withServerOptions } from './run.js';

interface ImportCommandOptions extends GlobalOptions {
  readonly merge?: boolean;
}

export function importCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('import'))
    .description('store the archive of a catalogue; repeat it to continue an import that was interrupted')
    .argument('<file>', 'an archive of `commonspace export`')
    .option('--merge', 'add to a catalogue that has other data; what exists stays as it is')
    .action((file: string, options: ImportCommandOptions) =>
      run(openApp, options, {}, async ({ out, connect, signal }) => {
        const backend = await connect();
        const progress = createProgress('import');
        const report = await backend
          .importCatalogue(file, { merge: options.merge === true, signal, onProgress: progress.update })
          .finally(() => progress.stop());
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
