/** The manifest of a run: code, packages, machine, data. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, isAbsolute, join } from 'node:path';
import { fromPackageRoot } from '../platform/package-root.js';
import type { RunManifest } from './run-record.js';

/** Packages whose arithmetic the results depend on. */
const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'ml-matrix'] as const;

/** The manifest of a run on this machine. The commit is known only in a checkout. */
export async function collectManifest(
  run: Pick<RunManifest, 'data' | 'seeds' | 'backend' | 'command'>,
): Promise<RunManifest> {
  const own = await readPackage(fromPackageRoot('package.json'));
  const packages = await Promise.all(
    PACKAGES.map(async (name) => [name, await installedVersion(name)] as const),
  );
  return {
    code: {
      name: own?.name ?? 'commonspace',
      version: own?.version ?? 'unknown',
      commit: await gitCommit(fromPackageRoot('.git')),
    },
    ...run,
    packages: Object.fromEntries(
      packages.flatMap(([name, version]) => (version === null ? [] : [[name, version]])),
    ),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** SHA-256 of each file, and of the lines that `sha256sum` prints for them, ordered by name. */
export async function hashFiles(paths: readonly string[]): Promise<RunManifest['data']> {
  const files = await Promise.all(
    paths.map(async (path) => {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of createReadStream(path)) {
        hash.update(chunk as Buffer);
        bytes += (chunk as Buffer).length;
      }
      return { name: basename(path), bytes, sha256: hash.digest('hex') };
    }),
  );
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
  return { sha256: createHash('sha256').update(lines).digest('hex'), files };
}

/** SHA-256 of arrays of numbers and of strings in the given order. The length of each is hashed before it. */
export function hashData(parts: Iterable<ArrayBufferView | string>): RunManifest['data'] {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes =
      typeof part === 'string'
        ? Buffer.from(part)
        : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    hash.update(`${bytes.length}\n`).update(bytes);
  }
  return { sha256: hash.digest('hex'), files: [] };
}

/** The commit that is checked out in a repository, read from its files; null if there is none. */
export async function gitCommit(dotGit: string): Promise<string | null> {
  // In a worktree `.git` is a file that names the folder.
  const pointer = /^gitdir: (.+)$/m.exec((await readText(dotGit)) ?? '')?.[1];
  const folder = pointer === undefined ? dotGit : resolveFrom(join(dotGit, '..'), pointer);
  const head = (await readText(join(folder, 'HEAD')))?.trim();
  if (head === undefined) return null;
  const name = /^ref: (.+)$/.exec(head)?.[1];
  if (name === undefined) return asCommit(head);
  const common = (await readText(join(folder, 'commondir')))?.trim();
  const shared = common === undefined ? folder : resolveFrom(folder, common);
  const packed = await readText(join(shared, 'packed-refs'));
  const line = packed?.split('\n').find((one) => one.endsWith(` ${name}`));
  return asCommit((await readText(join(folder, name))) ?? (await readText(join(shared, name))) ?? line ?? '');
}

function asCommit(text: string): string | null {
  return /^[0-9a-f]{40,64}/.exec(text)?.[0] ?? null;
}

const resolveFrom = (folder: string, path: string) => (isAbsolute(path) ? path : join(folder, path));

async function installedVersion(name: string): Promise<string | null> {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const found = await readPackage(join(folder, name, 'package.json'));
    if (found !== null) return found.version;
  }
  return null;
}

async function readPackage(
  path: string,
): Promise<{ readonly name: string; readonly version: string } | null> {
  const text = await readText(path);
  return text === null ? null : (JSON.parse(text) as { name: string; version: string });
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
