import { Command } from 'commander';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';
import { writeNewFile } from './write-new-file.js';

export function backupCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('backup'))
    .description('write the embedded database and the pictures to a file, also while a server runs')
    .argument('<file>', 'the backup to make, e.g. backup.tar; it must not exist')
    .action((file: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect, signal }) => {
        const bytes = await writeNewFile(file, async () => {
          const backend = await connect();
          return await backend.backup({ signal });
        });
        out.print(`The backup ${file} has ${bytes} bytes.`);
        out.printJson({ file, bytes });
      }),
    );
}
