import type { Command } from 'commander';
import { type Config, type ConfigOverrides, readConfig } from '../config.js';
import { CommonspaceError, ERRORS, type ReportUnexpected } from '../domain/errors.js';
import type { App } from '../services/services.js';
import { createOutput, type Output } from './output.js';

/** Builds the parts of the application for one command. main.ts passes it in. */
export type OpenApp = (
  config: Config,
  signal: AbortSignal,
  reportUnexpected?: ReportUnexpected,
) => Promise<App>;

export interface GlobalOptions {
  readonly data?: string;
  readonly json?: boolean;
}

export interface Running {
  readonly config: Config;
  readonly out: Output;
  /** Aborts at the first SIGINT or SIGTERM; the second one exits. */
  readonly signal: AbortSignal;
  /** @param reportUnexpected writes to stderr where it is absent */
  readonly open: (reportUnexpected?: ReportUnexpected) => Promise<App>;
}

/** Of a command that reads little: a smaller embedded database starts in half the time. */
export const SHORT: ConfigOverrides = { embeddedBuffers: 32 };

/** The options that every command has. */
export function withGlobalOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of the catalogue (default: COMMONSPACE_DATA, or ./data)')
    .option('--json', 'print the result as one line of JSON on stdout');
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
  try {
    const config = readConfig({ ...overrides, ...(options.data !== undefined && { dataDir: options.data }) });
    const open = async (reportUnexpected?: ReportUnexpected) => {
      app = await openApp(config, stop.signal, reportUnexpected);
      return app;
    };
    await work({ config, out, signal: stop.signal, open });
  } catch (error) {
    process.exitCode = report(error, out);
  } finally {
    // TypeScript does not track the assignment in `open`.
    await (app as App | null)?.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
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
