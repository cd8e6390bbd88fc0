import { Command } from 'commander';
import type { RowFailure } from '../services/ingest/bulk/bulk-ingest.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withServerOptions } from './run.js';

interface IngestOptions extends GlobalOptions {
  readonly classColumn?: string;
  readonly prefix?: string;
}

const DEFAULT_CLASS_COLUMN = 'label';
/** Failures that are printed; the others are counted. */
const ERRORS_SHOWN = 20;
/** Failures that are in the JSON. */
const ERRORS_KEPT = 1000;

export function ingestCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('ingest'))
    .description(
      'ingest a folder of pictures, or a file of rows: JSON Lines, CSV, tar (webdataset) or Parquet',
    )
    .argument('<source>', 'a folder with metadata.jsonl or with a folder per class, or a file')
    .option(
      '--class-column <name>',
      `column with the class name (default: ${DEFAULT_CLASS_COLUMN}, if it exists)`,
    )
    .option('--prefix <name>', "prefix of the items' external ids (default: the name of the folder or file)")
    .addHelpText(
      'after',
      '\nExit code: 0 if all rows are stored, 6 if some failed (they are printed), others as in docs/errors.md.',
    )
    .action((path: string, options: IngestOptions) =>
      run(openApp, options, {}, async ({ out, connect, signal }) => {
        const started = performance.now();
        const { openSource, sourceName } = await import('../services/ingest/bulk/open-source.js');
        // Before the database is opened, which takes longer.
        const source = await openSource(path, true);
        const all = await source.count(signal);
        const backend = await connect();
        const progress = createProgress('ingest');
        progress.update(0, all, 'rows');
        const items = { created: 0, updated: 0, unchanged: 0 };
        const errors: RowFailure[] = [];
        let [done, failed, skipped] = [0, 0, 0];
        try {
          const batches = backend.ingest(source, {
            prefix: options.prefix ?? sourceName(path),
            classColumn: options.classColumn ?? DEFAULT_CLASS_COLUMN,
            classColumnRequired: options.classColumn !== undefined,
            confined: false,
            after: 0,
            only: null,
            signal,
          });
          for await (const batch of batches) {
            done += batch.done;
            failed += batch.failures.length;
            skipped += batch.skipped;
            items.created += batch.items.created;
            items.updated += batch.items.updated;
            items.unchanged += batch.items.unchanged;
            errors.push(...batch.failures.slice(0, ERRORS_KEPT - errors.length));
            progress.update(done + failed + skipped, all, 'rows');
          }
        } finally {
          progress.stop();
        }
        for (const { reference, code, message } of errors.slice(0, ERRORS_SHOWN))
          out.note(`${reference}: ${code}: ${message}`);
        if (failed > ERRORS_SHOWN) out.note(`… and ${failed - ERRORS_SHOWN} more.`);
        const seconds = (performance.now() - started) / 1000;
        const { created, updated, unchanged } = items;
        out.print(
          `${created} items created, ${updated} updated, ${unchanged} unchanged, ${failed} rows failed, in ${seconds.toFixed(1)} s`,
        );
        const rows = { all, done, failed, skipped };
        const shown = errors.map(({ ordinal, reference, code, message }) => ({
          ordinal,
          reference,
          code,
          message,
        }));
        out.printJson({ ...items, failed, rows, errors: shown, seconds });
        if (failed > 0) process.exitCode = SOME_FAILED;
      }),
    );
}

/** Exit code if some rows failed. */
const SOME_FAILED = 6;
