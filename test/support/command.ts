import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type CliResult, cliEnvironment, resultOf } from './cli.js';

const HOST = fileURLToPath(new URL('./command-host.mjs', import.meta.url));

let host: ChildProcess | null = null;
let latest: Promise<unknown> = Promise.resolve();

/**
 * Runs a command to its end, as `cli` does, but in a process that runs many commands one after another: half the time of a command
 * is that of loading the program. Use `cli` where the process itself matters: its end, its signals, its first lines.
 */
export function command(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const result = latest.then(() => runInHost(args, env));
  latest = result.catch(() => {});
  return result;
}

async function runInHost(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  host ??= fork(HOST, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const child = host;
  const stop = new AbortController();
  const ended = once(child, 'exit', { signal: stop.signal }).then(([code, by]) => {
    host = null;
    throw new Error(`the process of the commands ended with ${by ?? code} during: ${args.join(' ')}`);
  });
  child.send({ args, env: cliEnvironment(env) });
  try {
    const answer = once(child, 'message', { signal: stop.signal });
    const [{ code, stdout, stderr }] = await Promise.race([answer, ended]);
    return resultOf(code, stdout, stderr);
  } finally {
    stop.abort();
    ended.catch(() => {});
    // The process ends with that of the tests, which does not wait for it.
    child.unref();
    child.channel?.unref();
  }
}
