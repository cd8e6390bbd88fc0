import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** A program that kills itself at the named point; see the file. */
export const KILLED_CHILD = fileURLToPath(new URL('./killed-child.mjs', import.meta.url));

/** Runs the program until it kills itself; returns the id that it printed. */
export async function runUntilKilled(env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [KILLED_CHILD, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const signal = await new Promise((resolve) => child.on('close', (_code, by) => resolve(by)));
  expect(signal).toBe('SIGKILL');
  return printed.trim();
}
