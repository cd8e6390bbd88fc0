import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

/** The folder of the programs. */
export const PROGRAMS = process.env.PGHOME ?? '/var/tmp/native-postgres';

/** Whether scripts/native-postgres.sh has unpacked the programs of a server. */
export const HAS_POSTGRES = existsSync(PROGRAMS);

/** The folder of the server's programs and of those of its clients. */
export function programFolder(): string {
  const versions = readdirSync(PROGRAMS)
    .filter((name) => name.startsWith('root-'))
    .map((root) => join(PROGRAMS, root, 'usr/lib/postgresql'))
    .flatMap((folder) => readdirSync(folder).map((version) => join(folder, version, 'bin')));
  const [found] = versions;
  if (found === undefined) throw new Error(`${PROGRAMS} has no programs of Postgres`);
  return found;
}

/** A server of one test alone, which the test may stop, with the programs of scripts/native-postgres.sh. */
export class OwnPostgres {
  private constructor(
    /** What belongs to the server; its database is in `data`. */
    readonly folder: string,
    readonly port: number,
    private readonly primary: OwnPostgres | null,
  ) {}

  /**
   * Not started yet.
   *
   * @param primary a server that runs, for a streaming replica of it
   */
  static async create(primary: OwnPostgres | null = null): Promise<OwnPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-postgres-'));
    // The server may run as another user.
    await chmod(folder, 0o755);
    return new OwnPostgres(folder, await freePort(), primary);
  }

  /** The file of its log. */
  get log(): string {
    return join(this.folder, 'data', 'server.log');
  }

  /** @returns its address */
  async start(): Promise<string> {
    return (await this.run(this.primary === null ? 'all' : 'replica')).trim().split('\n').at(-1) ?? '';
  }

  stop(): Promise<string> {
    return this.run('stop');
  }

  /** Stops all processes without ending them: the server accepts connections, and answers nothing. */
  async freeze(): Promise<void> {
    const postmaster = await this.postmaster();
    // First, so that it starts no further ones.
    process.kill(postmaster, 'SIGSTOP');
    for (const child of await childrenOf(postmaster)) process.kill(child, 'SIGSTOP');
  }

  /** Lets a frozen server go on. */
  async thaw(): Promise<void> {
    const postmaster = await this.postmaster();
    for (const child of await childrenOf(postmaster)) process.kill(child, 'SIGCONT');
    process.kill(postmaster, 'SIGCONT');
  }

  private async postmaster(): Promise<number> {
    const [pid] = (await readFile(join(this.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n');
    return Number(pid);
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => {});
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(command: string): Promise<string> {
    const env = {
      ...process.env,
      DATA: join(this.folder, 'data'),
      PORT: String(this.port),
      ...(this.primary !== null && { PRIMARY: String(this.primary.port) }),
    };
    return (await promisify(execFile)('bash', ['scripts/native-postgres.sh', command], { env })).stdout;
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.trim().split(' ').filter(Boolean).map(Number);
}
