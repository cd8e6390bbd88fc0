// Generates code: the Prisma client, the resolver types, and the operations of the client and of the page. It works offline and skips a step whose inputs have
// not changed since its last run. `node scripts/generate.mjs --force` runs every step.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src', '__generated__');
const require = createRequire(import.meta.url);
const force = process.argv.includes('--force');

const OPERATION_PACKAGES = [
  '@graphql-codegen/core',
  '@graphql-codegen/typescript-operations',
  '@graphql-codegen/typed-document-node',
];
/** Each part of the page has its operations beside it. */
const pageOperations = readdirSync(join(root, 'web', 'src'), { recursive: true })
  .filter((path) => path.endsWith('.graphql'))
  .map((path) => `web/src/${path}`)
  .sort();

/**
 * A step runs if one of its `inputs` (files, relative to the root) or a version of its `packages` has changed, or if one of its
 * `outputs` is missing. A step whose first input is missing is skipped.
 */
const steps = [
  {
    name: 'prisma',
    inputs: ['prisma/schema.prisma', 'prisma.config.ts'],
    packages: ['prisma', '@prisma/client'],
    outputs: ['src/__generated__/prisma/client.ts'],
    run() {
      rmSync(join(generated, 'prisma'), { recursive: true, force: true });
      runNode(
        join(dirname(require.resolve('prisma/package.json')), 'build', 'index.js'),
        ['generate', '--no-hints'],
        {
          // `generate` does not use the schema engine, but downloads it if it is missing. The path of any existing
          // executable prevents that. Do not use this setting for `migrate`: it would succeed without doing anything.
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
        },
      );
    },
  },
  {
    name: 'graphql',
    inputs: ['scripts/generate-resolver-types.mjs', 'schema.graphql'],
    packages: [
      '@graphql-codegen/core',
      '@graphql-codegen/typescript',
      '@graphql-codegen/typescript-resolvers',
    ],
    outputs: ['src/__generated__/resolver-types.ts'],
    run() {
      runNode(join(root, 'scripts', 'generate-resolver-types.mjs'), []);
    },
  },
  {
    name: 'client',
    inputs: ['scripts/generate-client-operations.mjs', 'schema.graphql', 'src/client/operations.graphql'],
    packages: OPERATION_PACKAGES,
    outputs: ['src/__generated__/client-operations.ts'],
    run() {
      generateOperations('src/__generated__/client-operations.ts', ['src/client/operations.graphql']);
    },
  },
  {
    name: 'page',
    inputs: ['scripts/generate-client-operations.mjs', 'schema.graphql', ...pageOperations],
    packages: OPERATION_PACKAGES,
    outputs: ['web/src/__generated__/operations.ts'],
    run() {
      generateOperations('web/src/__generated__/operations.ts', pageOperations);
    },
  },
];

for (const step of steps) {
  if (!existsSync(join(root, step.inputs[0]))) continue;
  const stamp = join(generated, `.${step.name}.sha256`);
  const hash = fingerprint(step);
  const fresh = existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (!force && fresh && step.outputs.every((output) => existsSync(join(root, output)))) continue;
  mkdirSync(generated, { recursive: true });
  rmSync(stamp, { force: true });
  const started = Date.now();
  step.run();
  writeFileSync(stamp, hash);
  console.error(`generate: ${step.name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** Hash of everything that determines a step's output. */
function fingerprint(step) {
  const hash = createHash('sha256').update(step.run.toString());
  for (const input of step.inputs) {
    const path = join(root, input);
    hash.update(`\0${input}\0`).update(existsSync(path) ? readFileSync(path) : 'missing');
  }
  for (const name of step.packages) {
    const path = join(root, 'node_modules', name, 'package.json');
    hash.update(
      `\0${name}\0${existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : 'missing'}`,
    );
  }
  return hash.digest('hex');
}

function generateOperations(output, files) {
  runNode(join(root, 'scripts', 'generate-client-operations.mjs'), [output, ...files]);
}

/** Runs a script with the same node executable. Its output is shown only if it fails. */
function runNode(script, args, env = {}) {
  const result = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}\n`);
  process.exit(result.status ?? 1);
}
