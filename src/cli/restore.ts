import { Command } from 'commander';
import { CommonspaceError } from '../domain/errors.js';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';

export function restoreCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('restore'))
    .description('put a backup in the place of the embedded database, which no process may use meanwhile')
    .argument('<file>', 'a backup of `commonspace backup`')
    .action((file: string, options: GlobalOptions) =>
      run(openApp, options, {}, async ({ out, config, signal }) => {
        if (config.databaseUrl !== null) {
          throw new CommonspaceError(
            'NOT_EMBEDDED',
            'DATABASE_URL names a Postgres server. Unset it, or restore the server with pg_restore.',
          );
        }
        const { restoreBackup } = await import('../services/backup/restore.js');
        const progress = createProgress('restore');
        const report = await restoreBackup(file, config.dataDir, {
          s3: config.media,
          signal,
          onProgress: (done, all) => progress.update(done, all, 'files'),
        }).finally(() => progress.stop());
        out.print(`The database is restored, with ${report.pictures} pictures that were not there.`);
        if (report.replaced !== null)
          out.note(`The former database is in ${report.replaced}. Remove it when you do not need it.`);
        out.printJson(report);
      }),
    );
}
