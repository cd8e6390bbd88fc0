import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The compiled command, as `npx commonspace` runs it. */
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout as JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** The environment of a command: the current one without settings that tests must not inherit. hsv-hog needs no network. */
export function cliEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const {
    DATABASE_URL: _database,
    DATABASE_REPLICA_URL: _replicas,
    COMMONSPACE_DATA: _data,
    ...rest
  } = process.env;
  return { ...rest, COMMONSPACE_IMAGE_MODEL: 'hsv-hog', COMMONSPACE_WORKERS: '1', ...extra };
}

/** Runs a command to its end, in a process of its own; see also `command`. */
export async function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const child = startCli(args, env);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return resultOf(code, stdout(), stderr());
}

export function resultOf(code: number | null, stdout: string, stderr: string): CliResult {
  return { code, stdout, stderr, json: () => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') };
}

export function startCli(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: cliEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits until the command has printed this, and returns what it printed. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    const listen = (chunk: Buffer) => {
      all += chunk.toString();
      if (pattern.test(all)) resolve(all);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.on('close', (code) =>
      reject(new Error(`ended with ${code} before it printed ${pattern}:\n${all}`)),
    );
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let all = '';
  stream?.on('data', (chunk: Buffer) => {
    all += chunk.toString();
  });
  return () => all;
}
