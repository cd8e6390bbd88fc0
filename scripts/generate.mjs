// Makes src/__generated__: the Prisma client, and whatever codegen.ts makes. Works offline, says little, and skips a
// step whose inputs have not changed since it last ran. `node scripts/generate.mjs --force` runs every step.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, 'src', '__generated__');
const require = createRequire(import.meta.url);
const force = process.argv.includes('--force');

/**
 * A step runs when one of its `inputs` (files, relative to the root) or of the packages' versions has changed, or one
 * of its `outputs` is missing. A step whose first input is missing does not exist in this checkout and is passed over.
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
          // `generate` looks for a schema engine, which it does not use, and would download it. Any executable that
          // exists makes it look no further; node itself exists wherever this runs. For generate alone: `migrate`
          // with this setting would do nothing and say that all is well.
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
        },
      );
    },
  },
  {
    // Resolver types, so that a resolver that does not fit the schema does not compile.
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

/** Hash of everything a step's output follows from. */
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

/** Runs a script with this node; its output is shown only if it fails. */
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
