import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { printed, startCli } from '../support/cli.js';

const ROOT = new URL('../../', import.meta.url).pathname;

let project: string;
const children: ChildProcess[] = [];

/** An empty project with what `npm pack` packs, and nothing else yet. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'commonspace-package-'));
  // --ignore-scripts: `npm run test:slow` has built already.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const installed = join(project, 'node_modules', 'commonspace');
  await mkdir(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']);
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'ES2023',
        lib: ['ES2023', 'DOM', 'DOM.AsyncIterable'],
        module: 'NodeNext',
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        outDir: 'out',
        rootDir: '.',
      },
      files: ['example.ts', 'follow.ts', 'own.ts'],
    }),
  );
});
afterAll(async () => {
  for (const child of children) child.kill('SIGTERM');
  await rm(project, { recursive: true, force: true });
});

function run(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
}

/** The packages that the types and the subscriptions of the client need. */
async function link(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const at = join(project, 'node_modules', name);
    await mkdir(dirname(at), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), at);
  }
}

it('is imported without any other package', () => {
  const listed = run(
    '--input-type=module',
    '-e',
    "import * as client from 'commonspace/client'; import * as files from 'commonspace/client/files'; console.log(Object.keys(client).concat(Object.keys(files)).join())",
  );
  expect(listed.trim()).toBe('ApiError,createClient,gql,operations,pictureFile');
  // What could be imported before the package had `exports`.
  run('-e', "require.resolve('commonspace/package.json'); require.resolve('commonspace/dist/main.js')");
});

it('type-checks and runs the examples of docs/client.md against a server', async () => {
  await link('graphql', 'graphql-sse', '@graphql-typed-document-node');
  const server = startCli(['serve', '--data', join(project, 'data'), '--port', '0']);
  children.push(server);
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec(await printed(server, /stop it with Ctrl-C/))?.[0] ?? '';
  await writeFile(join(project, 'cat.png'), await drawShape('circle', 'black'));
  const text = await readFile(join(ROOT, 'docs', 'client.md'), 'utf8');
  const [example = '', follow = '', own = ''] = [...text.matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code]) => code ?? '',
  );
  const declared = 'declare const process: { readonly env: Record<string, string | undefined> };\n';
  await writeFile(join(project, 'example.ts'), declared + example.replace('http://localhost:4000', address));
  await writeFile(join(project, 'follow.ts'), follow.replace('http://localhost:4000', address));
  await writeFile(join(project, 'own.ts'), own.replace('http://localhost:4000', address));
  run(join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.');
  const printedLines = run('out/example.js').trim().split('\n');
  expect(printedLines[0]).toBe('2 created, 0 unchanged');
  expect(printedLines[1]).toMatch(new RegExp(`^1 [\\d.]+ ${address}/media/[0-9a-f]{64}\\?width=256$`));
  expect(printedLines[2]).toMatch(/^[0-9a-f-]{36} cat#text$/);
  expect(printedLines[3]).toBe('EMPTY_TEXT query.text');
  expect(run('out/own.js').trim()).toBe('1');
  // It goes on until it is stopped.
  const following = spawn(process.execPath, ['out/follow.js'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(following);
  const [line] = (await once(following.stdout, 'data')) as [Buffer];
  expect(line.toString()).toMatch(/^2 items; go on from \w+\n$/);
  following.kill();

  const wrong = join(project, 'own.ts');
  await writeFile(wrong, own.replace("modality: 'IMAGE' }", "modality: 'SOUND' }"));
  expect(() =>
    execFileSync(process.execPath, [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'], {
      cwd: project,
      stdio: 'pipe',
    }),
  ).toThrow();
});
