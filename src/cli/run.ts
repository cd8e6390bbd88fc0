import type { Command } from 'commander';
import { type Config, type ConfigOverrides, readConfig } from '../config.js';
import { CommonspaceError, ERRORS, type ReportUnexpected } from '../domain/errors.js';
import type { Tracing } from '../platform/tracing.js';
import type { App } from '../services/app.js';
import type { Backend } from './backend/backend.js';
import { connectBackend, requireDirect } from './backend/connect.js';
import { createOutput, type Output } from './output.js';

/** Builds the parts of the application for one command. program.ts passes it in. */
export type OpenApp = (
  config: Config,
  signal: AbortSignal,
  reportUnexpected?: ReportUnexpected,
) => Promise<App>;

export interface GlobalOptions {
  readonly data?: string;
  readonly json?: boolean;
  /** Of commands that can work through a server; see withServerOptions. */
  readonly server?: string;
  readonly key?: string;
}

export interface Running {
  readonly config: Config;
  readonly out: Output;
  /** Aborts at the first SIGINT or SIGTERM; the second one exits. */
  readonly signal: AbortSignal;
  /** The server's API where a server has the database, else the services of this process. */
  readonly connect: () => Promise<Backend>;
  /** The services of this process. @throws CommonspaceError NOT_IN_API where a server has the database */
  readonly open: () => Promise<App>;
  /** The same for a command that serves. @param reportUnexpected writes to stderr where it is absent */
  readonly openToServe: (reportUnexpected?: ReportUnexpected) => Promise<App>;
}

/** Of a command that reads little: a smaller embedded database starts in half the time. */
export const SHORT: ConfigOverrides = { embeddedBuffers: 32 };

/** The options that every command has. */
export function withGlobalOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of the catalogue (default: COMMONSPACE_DATA, or ./data)')
    .option('--json', 'print the result as one line of JSON on stdout');
}

/** The options of a command that can work through the API of a server. */
export function withServerOptions(command: Command): Command {
  return withGlobalOptions(command)
    .option(
      '--server <url>',
      'work through this server (default: COMMONSPACE_SERVER, or the one that runs on the data folder)',
    )
    .option(
      '--key <key>',
      'API key for the server (default: COMMONSPACE_KEY, which other users cannot list)',
    );
}

/**
 * Runs a command: reads the configuration, opens the application on request, and closes it in any case. An error becomes one
 * message and an exit code; docs/errors.md lists them.
 */
export async function run(
  openApp: OpenApp,
  options: GlobalOptions,
  overrides: ConfigOverrides,
  work: (running: Running) => Promise<void>,
): Promise<void> {
  const out = createOutput(options.json === true);
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let app: App | null = null;
  let serves = false;
  let tracing: Tracing | null = null;
  try {
    const config = readConfig({
      ...overrides,
      ...(options.data !== undefined && { dataDir: options.data }),
      ...(options.server !== undefined && { server: readServer(options.server) }),
      ...(options.key !== undefined && { key: options.key }),
    });
    const openHere = async (reportUnexpected?: ReportUnexpected) => {
      app = await openApp(config, stop.signal, reportUnexpected);
      return app;
    };
    const openToServe = async (reportUnexpected?: ReportUnexpected) => {
      serves = true;
      tracing = await traceIf(config.tracedAs);
      return await openHere(reportUnexpected);
    };
    const open = async () => {
      await requireDirect(config);
      return await openHere();
    };
    const connect = () => connectBackend(config, openHere);
    await work({ config, out, signal: stop.signal, connect, open, openToServe });
  } catch (error) {
    // A service that is stopped while it starts ends as one that is stopped later.
    if (!(serves && stop.signal.aborted && isCancelled(error))) process.exitCode = report(error, out);
  } finally {
    // TypeScript does not track the assignments in `openToServe`.
    await (app as App | null)?.close();
    await (tracing as Tracing | null)?.stop();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Imported on demand: other commands need no traces. */
async function traceIf(name: string | null): Promise<Tracing | null> {
  return name === null ? null : (await import('../platform/tracing.js')).startTracing(name);
}

function isCancelled(error: unknown): boolean {
  return error instanceof CommonspaceError && error.code === 'CANCELLED';
}

function readServer(url: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new CommonspaceError('BAD_INPUT', 'The address of a server begins with http:// or https://.', [
    'server',
  ]);
}

function report(error: unknown, out: Output): number {
  if (error instanceof CommonspaceError) {
    const field = error.field.length > 0 ? ` (${error.field.join('.')})` : '';
    out.printJson({ error: error.toFailure() });
    out.note(`${error.code}${field}: ${error.message}`);
    return ERRORS[error.code].exit;
  }
  out.printJson({ error: { code: 'INTERNAL', message: ERRORS.INTERNAL.what, field: [] } });
  out.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return ERRORS.INTERNAL.exit;
}
