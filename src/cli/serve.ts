import type { Server } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { Command } from 'commander';
import { type Logger, pino } from 'pino';
import type { Config } from '../config.js';
import { checkExposure, isLoopback } from '../http/access.js';
import { logUnexpected } from '../http/request-log.js';
import type { App } from '../services/app.js';
import { announceServer } from '../services/running-server.js';
import { readNumber } from './arguments.js';
import { type GlobalOptions, type OpenApp, type Running, run, withGlobalOptions } from './run.js';

interface ServeOptions extends GlobalOptions {
  readonly host?: string;
  readonly port?: number;
}

export function serveCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('serve'))
    .description('serve the GraphQL API, uploads and images over HTTP')
    .option('--host <host>', 'address to listen on (default: 127.0.0.1; others need COMMONSPACE_API_KEYS)')
    .option(
      '--port <port>',
      'port to listen on (default: 4000)',
      readNumber('port', { integer: true, min: 0, max: 65535 }),
    )
    .action((options: ServeOptions) =>
      run(openApp, options, definedOnly({ host: options.host, port: options.port }), async (running) => {
        const logger = createLogger(running.config.logLevel);
        const app = await running.openToServe((error) => logUnexpected(logger, error));
        await checkExposure(running.config.host, { apiKeys: running.config.apiKeys, keys: app.keys });
        await serve(running, app, logger, (address) => {
          running.out.print(
            `Commonspace serves ${address}/ for browsers and ${address}/graphql for programs (stop it with Ctrl-C)`,
          );
          running.out.printJson({ address });
        });
      }),
    );
}

/** The log: lines of JSON on stderr. */
export function createLogger(level: Config['logLevel']): Logger {
  return pino({ level }, pino.destination(2));
}

/**
 * Serves until SIGINT or SIGTERM, and then for `stopDelaySeconds` while it says that it is not ready. Requests that are being answered
 * are then completed, or cut after `drainSeconds`.
 */
export async function serve(
  { config, signal }: Running,
  services: App,
  logger: Logger,
  onListening: (address: string) => void,
): Promise<void> {
  // Imported here, because loading the server would delay the other commands.
  const { createApp, listen } = await import('../http/app.js');
  const { closeWithin } = await import('../http/drain.js');
  const { readTrustedDocuments } = await import('../http/trusted-documents.js');
  const path = config.trustedDocuments;
  const app = await createApp({
    services,
    logger,
    apiKeys: config.apiKeys,
    loopback: isLoopback(config.host),
    corsOrigins: config.corsOrigins,
    introspection: config.introspection,
    slowMs: config.slowMs,
    stopping: signal,
    trustedDocuments: path === null ? null : await readTrustedDocuments(path),
  });
  try {
    services.budgetExchange.start();
    const address = await listen(app, config.host, config.port);
    // First, so that a command that starts after the output finds the server.
    await announceServer(config.dataDir, localAddress(app.server.address()));
    onListening(address);
    services.trainingRunner.start(config.jobs > 0);
    services.evaluationJobs.startRecovery();
    // A stop meanwhile ends the threads that load the models.
    await Promise.race([services.warmUp(), stopped(signal)]);
    if (signal.aborted) return;
    services.upkeep.start();
    services.indexes.start();
    services.sweepSchedule.start();
    services.mapSchedule.start();
    services.jobRunner.start(config.jobs);
    await stopped(signal);
    await setTimeout(config.stopDelaySeconds * 1000);
  } finally {
    // Before the port is free for another program.
    await announceServer(config.dataDir, null);
    await closeWithin(app, config.drainSeconds * 1000);
  }
}

/** Where other processes of this machine reach the server; null if it listens on one address of the network only. */
function localAddress(address: ReturnType<Server['address']>): string | null {
  if (address === null || typeof address === 'string') return null;
  const { address: host, port } = address;
  if (host === '0.0.0.0' || host === '::') return `http://127.0.0.1:${port}`;
  if (!isLoopback(host)) return null;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Resolves when the signal aborts. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function definedOnly<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
