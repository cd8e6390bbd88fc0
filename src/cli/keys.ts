import { Command } from 'commander';
import { SCOPES, type Scope } from '../domain/access.js';
import type { ApiKeyRow } from '../services/models.js';
import { readChoice, readNumber } from './arguments.js';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withGlobalOptions } from './run.js';

interface CreateOptions extends GlobalOptions {
  readonly scope?: readonly Scope[];
  readonly expires?: number;
  readonly costPerMinute?: number;
  readonly bytesPerMinute?: number;
}

const LIMIT = { integer: true, min: 0, max: Number.MAX_SAFE_INTEGER } as const;
const DAY_MS = 24 * 3_600_000;

export function keysCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('keys'))
    .description('list the keys of the HTTP API; make or revoke one')
    .action((options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const keys = await app.keys.list();
        out.print(
          keys.length === 0
            ? 'No keys yet; `commonspace keys create NAME` makes one.'
            : table(['key', 'name', 'scopes', 'created', 'used', 'a minute', ''], keys.map(line)),
        );
        out.printJson({ keys });
      }),
    )
    .addCommand(createCommand(openApp))
    .addCommand(
      withGlobalOptions(new Command('revoke'))
        .description('revoke a key; servers refuse it within five seconds')
        .argument('<key>', 'id of the key, or its name')
        .action((key: string, options: GlobalOptions) =>
          run(openApp, options, SHORT, async ({ out, open }) => {
            const app = await open();
            const row = await app.keys.revoke(key);
            out.print(`The key "${row.name}" (${row.id}) is revoked.`);
            out.printJson(row);
          }),
        ),
    );
}

function createCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('create'))
    .description('make a key; its secret is printed once and not stored')
    .argument('<name>', 'who uses it, for the lists')
    .option(
      '--scope <scope>',
      `${SCOPES.join(', ')}; repeatable (default: read). ingest and train include read`,
      (value, before: readonly Scope[] = []) => [...before, readChoice(SCOPES)(value)],
    )
    .option(
      '--expires <days>',
      'the key expires after this number of days',
      readNumber('days', { min: 0.001, max: 36_500 }),
    )
    .option(
      '--cost-per-minute <units>',
      'what its operations may cost in a minute; 0: no limit (default: COMMONSPACE_COST_PER_MINUTE)',
      readNumber('units', LIMIT),
    )
    .option(
      '--bytes-per-minute <bytes>',
      'bytes of uploads and fetches in a minute; 0: no limit (default: COMMONSPACE_BYTES_PER_MINUTE)',
      readNumber('bytes', LIMIT),
    )
    .action((name: string, options: CreateOptions) =>
      run(openApp, options, SHORT, async ({ out, open }) => {
        const app = await open();
        const expiresAt =
          options.expires === undefined ? null : new Date(Date.now() + options.expires * DAY_MS);
        const { row, secret } = await app.keys.create(name, options.scope ?? ['read'], expiresAt, {
          cost: options.costPerMinute ?? null,
          bytes: options.bytesPerMinute ?? null,
        });
        out.print(secret);
        out.note(
          `The key "${row.name}" (${row.id}) has the scopes ${row.scopes.join(', ')}. Its secret is shown only now.`,
        );
        out.printJson({ ...row, secret });
      }),
    );
}

function line(key: ApiKeyRow): string[] {
  return [
    key.id,
    key.name,
    key.scopes.join(', '),
    day(key.createdAt),
    key.usedAt === null ? 'never' : day(key.usedAt),
    limitsOf(key),
    stateOf(key),
  ];
}

/** What a key may use in a minute by its own limits. */
function limitsOf({ perMinute: { cost, bytes } }: ApiKeyRow): string {
  const limits = [
    { limit: cost, what: 'cost' },
    { limit: bytes, what: 'bytes' },
  ];
  return limits
    .flatMap(({ limit, what }) => (limit === null ? [] : [`${what} ${limit === 0 ? 'unlimited' : limit}`]))
    .join(', ');
}

function stateOf({ revokedAt, expiresAt }: ApiKeyRow): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return '';
  return expiresAt.getTime() <= Date.now() ? 'expired' : `expires ${day(expiresAt)}`;
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
