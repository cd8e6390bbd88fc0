import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { printed, startCli } from './cli.js';

/** An answer of /graphql. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** Null where the whole operation failed. */
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly codes: readonly string[];
}

/** The compiled command `serve` as a process. */
export class ServerProcess {
  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly headers: Readonly<Record<string, string>>,
  ) {}

  /**
   * @param env of the server besides that of the tests, e.g. DATABASE_URL; its first key is sent with what this class sends
   * @param onLog receives each line of its log
   */
  static async start(
    data: string,
    env: NodeJS.ProcessEnv = {},
    onLog: (line: string) => void = () => {},
  ): Promise<ServerProcess> {
    const child = startCli(['serve', '--port', '0', '--data', data, '--json'], {
      COMMONSPACE_LOG_LEVEL: 'error',
      ...env,
    });
    if (child.stderr === null) throw new Error('the log is not read');
    createInterface(child.stderr).on('line', onLog);
    const out = await printed(child, /"address":"[^"]+"/);
    const key = env.COMMONSPACE_API_KEYS?.split(',')[0];
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return new ServerProcess(/"address":"([^"]+)"/.exec(out)?.[1] ?? '', child, headers);
  }

  /** The process has not ended. */
  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  async healthz(): Promise<number> {
    return (await fetch(`${this.address}/healthz`)).status;
  }

  /** @throws if the connection is refused or cut */
  async send(query: string, variables: object = {}): Promise<GraphqlAnswer> {
    const response = await fetch(`${this.address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data = null, errors = [] } = (await response.json()) as {
      data?: GraphqlAnswer['data'];
      errors?: readonly { readonly extensions: { readonly code: string } }[];
    };
    const codes = errors.map(({ extensions }) => extensions.code);
    return { status: response.status, retryAfter: response.headers.get('retry-after'), data, codes };
  }

  /** The data of an answer without errors. */
  async ask<T>(query: string, variables: object = {}): Promise<T> {
    const { data, codes } = await this.send(query, variables);
    if (data === null || codes.length > 0) throw new Error(`${codes.join(', ')}: ${query}`);
    return data as T;
  }

  /** Ends the process at once. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Stops it in good order. @returns its exit code */
  async stop(): Promise<number | null> {
    if (this.isRunning) {
      const ended = once(this.child, 'close');
      this.child.kill('SIGTERM');
      await ended;
    }
    return this.child.exitCode;
  }
}
