import { Command } from 'commander';
import { createProgress } from './progress.js';
import { type GlobalOptions, type OpenApp, run, withServerOptions } from './run.js';
import { writeNewFile } from './write-new-file.js';

export function exportCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('export'))
    .description(
      'write the catalogue to an archive: items, pictures, classes, features, encoders, embeddings',
    )
    .argument('<file>', 'the archive to make, e.g. catalogue.tar; it must not exist')
    .action((file: string, options: GlobalOptions) =>
      run(openApp, options, {}, async ({ out, connect, signal }) => {
        const progress = createProgress('export');
        const onProgress = (done: number, all: number) => progress.update(done, all);
        try {
          const bytes = await writeNewFile(file, async () => {
            const backend = await connect();
            return await backend.exportCatalogue({ signal, onProgress });
          });
          progress.stop();
          out.print(`The archive ${file} has ${bytes} bytes.`);
          out.printJson({ file, bytes });
        } finally {
          progress.stop();
        }
      }),
    );
}
