import { Command } from 'commander';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';

interface IngestOptions extends GlobalOptions {
  readonly classColumn?: string;
  readonly prefix?: string;
}

const DEFAULT_CLASS_COLUMN = 'label';
/** Failures that are printed; the others are counted. */
const ERRORS_SHOWN = 20;

export function ingestCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('ingest'))
    .description('ingest a folder of images with a metadata.jsonl (file_name, text, label)')
    .argument('<folder>', 'the folder with metadata.jsonl')
    .option(
      '--class-column <name>',
      `column with the class name (default: ${DEFAULT_CLASS_COLUMN}, if it exists)`,
    )
    .option('--prefix <name>', "prefix of the items' external ids (default: the folder's name)")
    .addHelpText(
      'after',
      '\nExit code: 0 if all rows are stored, 6 if some failed (they are printed), others as in docs/errors.md.',
    )
    .action((folder: string, options: IngestOptions) =>
      run(openApp, options, {}, async ({ out, open, signal }) => {
        const app = await open();
        const progress = createProgress('ingest');
        const report = await app.folderIngest
          .ingest(folder, {
            classColumn: options.classColumn ?? DEFAULT_CLASS_COLUMN,
            classColumnRequired: options.classColumn !== undefined,
            prefix: options.prefix,
            signal,
            onProgress: (done, all) => progress.update(done, all, 'rows'),
          })
          .finally(() => progress.stop());
        if (report.created + report.updated > 0) await app.maintain();
        for (const error of report.errors.slice(0, ERRORS_SHOWN)) {
          out.note(
            `line ${error.line}${error.fileName === null ? '' : ` (${error.fileName})`}: ${error.code}: ${error.message}`,
          );
        }
        if (report.errors.length > ERRORS_SHOWN)
          out.note(`… and ${report.errors.length - ERRORS_SHOWN} more.`);
        const { created, updated, unchanged, failed, seconds } = report;
        out.print(
          `${created} items created, ${updated} updated, ${unchanged} unchanged, ${failed} failed, in ${seconds.toFixed(1)} s`,
        );
        out.printJson(report);
        if (failed > 0) process.exitCode = SOME_FAILED;
      }),
    );
}

/** Exit code if some rows failed. */
const SOME_FAILED = 6;
