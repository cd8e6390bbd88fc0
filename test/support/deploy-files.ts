import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The folder of the deployments. */
export const DEPLOY = join(ROOT, 'deploy');

/** All files of the folder, with paths below it. */
export function deployFiles(ending: RegExp): string[] {
  return readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => ending.test(name))
    .sort();
}

export function deployText(path: string): string {
  return readFileSync(join(DEPLOY, path), 'utf8');
}

/** A YAML file of one document, with its merge keys (`<<`) applied. */
export function deployYaml<T>(path: string): T {
  return parse(deployText(path), { merge: true }) as T;
}

/** The documents of a YAML file. */
export function deployDocuments<T>(path: string): T[] {
  return parseAllDocuments(deployText(path)).map((document) => {
    if (document.errors[0]) throw document.errors[0];
    return document.toJS() as T;
  });
}

/** `NAME=value` of each line that is not a comment. */
export function readEnvFile(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
  );
}

/** Whether a program is installed. It is asked for its version, which must not fail. */
export function isInstalled(program: string, ...version: string[]): boolean {
  const found = spawnSync(program, version, { stdio: 'ignore' }).status === 0;
  if (!found) console.warn(`${program} is not installed, so it does not check its files.`);
  return found;
}

/** Runs a program. @returns its exit code, with what it wrote, which is part of the message of a failed comparison */
export function check(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', ...options });
  return { status, output: status === 0 ? '' : `${stdout}${stderr}` };
}
