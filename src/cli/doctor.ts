import { Command } from 'commander';
import type { App } from '../services/app.js';
import type { Finding } from '../services/checks/findings.js';
import type { ExtractorReport } from '../services/serving/extractor-report.js';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

/** Exit code if a check found an error, so that scripts can tell it from a failure of the command itself. */
const CHECK_FAILED = 7;
/** Encoders listed for each extractor. Older ones are counted. */
const NAMED_ENCODERS = 3;

export function doctorCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('doctor'))
    .description(
      'show the database, extractors, tensor backend and encoder in use, the reasons, and problems',
    )
    .addHelpText(
      'after',
      '\nExit code: 0 if no check found an error (warnings are none), 7 if one did, others as in docs/errors.md.',
    )
    .action((options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open, config }) => {
        const app = await open();
        const [about, counts, active, checks] = await Promise.all([
          app.describe(),
          app.items.countByModality(),
          app.training.active(),
          app.checks.run(),
        ]);
        const report = {
          node: process.version,
          database: { kind: about.database.kind, version: about.database.version },
          dataFolder: config.dataDir,
          media: about.media,
          tensors: about.backend,
          imageExtractor: about.imageExtractor,
          textExtractor: about.textExtractor,
          imageExtractors: about.imageExtractors,
          textExtractors: about.textExtractors,
          indexes: about.lackingIndexes,
          checks,
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
              ['pictures', about.media, mediaRemark(config.media)],
              ['tensors', `${about.backend.backend} ${about.backend.version}`, about.backend.reason],
              ...about.imageExtractors.map((one, i) => [
                i === 0 ? 'image features' : '',
                one.id,
                extractorRemark(
                  one,
                  `COMMONSPACE_IMAGE_MODEL is ${config.imageModel}`,
                  `${counts.IMAGE} images`,
                ),
              ]),
              ...about.textExtractors.map((one, i) => [
                i === 0 ? 'text features' : '',
                one.id,
                extractorRemark(one, `COMMONSPACE_TEXT_MODEL is ${config.textModel}`, `${counts.TEXT} texts`),
              ]),
              ...about.lackingIndexes.map((one, i) => [
                i === 0 ? 'vector indexes' : '',
                one.building ? 'being built' : 'MISSING',
                indexRemark(one),
              ]),
              ['items', `${counts.IMAGE} images, ${counts.TEXT} texts`, ''],
              ['encoder', active?.id ?? 'none', encoderRemark(active)],
            ],
          ),
        );
        out.print('');
        out.print(table(['check', '', 'what was found', 'what to do'], checks.map(findingLine)));
        out.printJson(report);
        if (checks.some(({ level }) => level === 'error')) process.exitCode = CHECK_FAILED;
      }),
    );
}

function findingLine({ check, level, message, remedy }: Finding): string[] {
  return [check, level === 'ok' ? 'ok' : level.toUpperCase(), message, remedy ?? ''];
}

/** Why the pictures are there. An address can contain a password, so only its host is shown. */
function mediaRemark(bucket: { readonly endpoint: string | null } | null): string {
  if (bucket === null) return 'COMMONSPACE_MEDIA is not set';
  return `COMMONSPACE_MEDIA is set${bucket.endpoint === null ? '' : `, at ${new URL(bucket.endpoint).host}`}`;
}

/** The encoders that use an extractor, and its problems. */
function extractorRemark(
  { configured, encoders, lacking, problem }: ExtractorReport,
  setting: string,
  items: string,
): string {
  const why = configured ? [setting] : [];
  const users = encoders.map(({ id, state }) => `${state} encoder ${id}`);
  const more = users.length > NAMED_ENCODERS ? [`${users.length - NAMED_ENCODERS} older ones`] : [];
  const missing = lacking > 0 ? [`${lacking} of ${items} have no feature of it yet`] : [];
  const fault = problem === null ? [] : [`CANNOT BE OPENED: ${problem}`];
  return [...fault, ...why, ...users.slice(0, NAMED_ENCODERS), ...more, ...missing].join('; ');
}

type LackingIndex = Awaited<ReturnType<App['describe']>>['lackingIndexes'][number];

/** What a missing index is of. */
function indexRemark(one: LackingIndex): string {
  const of =
    'extractor' in one
      ? `features of ${one.extractor}`
      : `${one.modality} embeddings of encoder ${one.encoderId}`;
  return `${of}; searches compare all of them until \`serve\` or the next ingest builds it`;
}

function encoderRemark(active: { imageExtractor: string } | null): string {
  return active === null
    ? 'train one with `commonspace train`'
    : `active; reads pictures by ${active.imageExtractor}`;
}
