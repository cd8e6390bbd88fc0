import { Command } from 'commander';
import { readNumber } from './arguments.js';
import { oneLine, table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface AuditOptions extends GlobalOptions {
  readonly first: number;
  readonly before?: number;
}

const DETAIL_WIDTH = 80;

export function auditCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('audit'))
    .description('list writes by the HTTP API, the newest first: who, what, when')
    .option(
      '--first <n>',
      'maximum number of entries',
      readNumber('first', { integer: true, min: 1, max: 10_000 }),
      50,
    )
    .option(
      '--before <id>',
      'entries before this one',
      readNumber('before', { integer: true, min: 1, max: Number.MAX_SAFE_INTEGER }),
    )
    .action((options: AuditOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const entries = await app.auditPage(
          options.before === undefined ? null : String(options.before),
          options.first,
        );
        out.print(
          entries.length === 0
            ? 'No entries.'
            : table(
                ['id', 'time', 'caller', 'action', ''],
                entries.map(({ id, at, caller, action, detail }) => [
                  id,
                  at.toISOString(),
                  caller,
                  action,
                  oneLine(JSON.stringify(detail), DETAIL_WIDTH),
                ]),
              ),
        );
        out.printJson({ entries });
      }),
    );
}
