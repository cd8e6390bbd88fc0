import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const PROGRAMS = process.env.PGHOME ?? '/var/tmp/native-postgres';

/** Whether scripts/native-postgres.sh has unpacked the programs of a server. */
export const HAS_POSTGRES = existsSync(PROGRAMS);

/** A server of one test alone, which the test may stop, with the programs of scripts/native-postgres.sh. */
export class OwnPostgres {
  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  /** Not started yet. */
  static async create(): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-postgres-'));
    // The server may run as another user.
    await chmod(folder, 0o755);
    return new OwnPostgres(folder, await freePort());
  }

  /** @returns its address */
  async start(): Promise<string> {
    return (await this.run('all')).trim().split('\n').at(-1) ?? '';
  }

  stop(): Promise<string> {
    return this.run('stop');
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(command: string): Promise<string> {
    const env = { ...process.env, DATA: join(this.folder, 'data'), PORT: String(this.port) };
    return (await promisify(execFile)('bash', ['scripts/native-postgres.sh', command], { env })).stdout;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
