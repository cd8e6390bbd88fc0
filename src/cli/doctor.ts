import { Command } from 'commander';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';

export function doctorCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('doctor'))
    .description(
      'say what is in use (database, extractors, tensor backend, encoder) and why, and whether it works',
    )
    .action((options: GlobalOptions) =>
      run(openApp, options, {}, async ({ out, open, config }) => {
        const app = await open();
        const [about, counts, active] = await Promise.all([
          app.describe(),
          app.items.countByModality(),
          app.training.active(),
        ]);
        const report = {
          node: process.version,
          database: { kind: about.database.kind, version: about.database.version },
          dataFolder: config.dataDir,
          tensors: about.backend,
          imageExtractor: about.imageExtractor,
          textExtractor: about.textExtractor,
          items: { images: counts.IMAGE, texts: counts.TEXT },
          encoder:
            active === null
              ? null
              : { id: active.id, imageExtractor: active.imageExtractor, trained: active.createdAt },
        };
        out.print(
          table(
            ['', 'in use', 'why'],
            [
              ['Node', report.node, ''],
              [
                'database',
                `${report.database.kind}, ${report.database.version}`,
                config.databaseUrl === null ? 'DATABASE_URL is not set' : 'DATABASE_URL is set',
              ],
              ['data folder', report.dataFolder, ''],
              ['tensors', `${about.backend.backend} ${about.backend.version}`, about.backend.reason],
              ['image features', report.imageExtractor, `COMMONSPACE_IMAGE_MODEL is ${config.imageModel}`],
              ['text features', report.textExtractor, ''],
              ['items', `${counts.IMAGE} images, ${counts.TEXT} texts`, ''],
              ['encoder', active?.id ?? 'none', encoderRemark(active, about.imageExtractor)],
            ],
          ),
        );
        out.printJson(report);
      }),
    );
}

function encoderRemark(active: { imageExtractor: string } | null, imageExtractor: string): string {
  if (active === null) return 'train one with `commonspace train`';
  return active.imageExtractor === imageExtractor
    ? 'active, and fits the extractors in use'
    : `trained on ${active.imageExtractor}: train again to search by new pictures`;
}
