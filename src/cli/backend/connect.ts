import type { Config } from '../../config.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { App } from '../../services/app.js';
import type { Backend } from './backend.js';

/**
 * The server that a command works through: that of the configuration, else the one that serves the embedded database of the data folder;
 * null if the command opens the database itself.
 */
async function serverOf({ server, databaseUrl, dataDir }: Config): Promise<string | null> {
  if (server !== null || databaseUrl !== null) return server;
  const { runningServer } = await import('../../services/running-server.js');
  return await runningServer(dataDir);
}

/** The backend of a command: the server's API, or the services of this process. */
export async function connectBackend(config: Config, open: () => Promise<App>): Promise<Backend> {
  const server = await serverOf(config);
  if (server === null) {
    const { localBackend } = await import('./local.js');
    return localBackend(await open());
  }
  const { remoteBackend } = await import('./remote.js');
  return remoteBackend(server, config.key);
}

/** @throws CommonspaceError NOT_IN_API if a server has the database that a command is to open */
export async function requireDirect(config: Config): Promise<void> {
  const server = await serverOf(config);
  if (server === null) return;
  const why =
    config.server === null
      ? `The server at ${server} has the embedded database open, which one process at a time can. Stop it first.`
      : 'Name the data folder (--data), or unset COMMONSPACE_SERVER.';
  throw new CommonspaceError(
    'NOT_IN_API',
    `This command works on the database itself, and the API has no operation for it. ${why}`,
  );
}
