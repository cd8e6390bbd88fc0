#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { activateCommand } from './cli/activate.js';
import { classesCommand } from './cli/classes.js';
import { demoCommand } from './cli/demo.js';
import { doctorCommand } from './cli/doctor.js';
import { encodersCommand } from './cli/encoders.js';
import { evaluateCommand } from './cli/evaluate.js';
import { ingestCommand } from './cli/ingest.js';
import { migrateCommand } from './cli/migrate.js';
import type { OpenApp } from './cli/run.js';
import { searchCommand } from './cli/search.js';
import { serveCommand } from './cli/serve.js';
import { trainCommand } from './cli/train.js';
import { compileOnlyWhatIsHot } from './platform/wasm-tiering.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const openApp: OpenApp = async (config) => {
  // Loaded when it is needed, or `--help` would take a second.
  const { openApp: compose } = await import('./compose.js');
  return await compose(config, (error) => {
    process.stderr.write(
      `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  });
};

const program = new Command('commonspace')
  .description(
    'A self-hosted catalogue of images and texts that answers a query in one modality with items of the other.',
  )
  .version(version)
  // What stands after a command's own command (`encoders remove`) is for that one.
  .enablePositionalOptions()
  .showHelpAfterError('(add --help for what there is)')
  // A command line that cannot be read is the caller's fault: 2, as for every other bad input.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

for (const command of [
  serveCommand,
  ingestCommand,
  trainCommand,
  encodersCommand,
  activateCommand,
  evaluateCommand,
  searchCommand,
  classesCommand,
  migrateCommand,
  doctorCommand,
  demoCommand,
]) {
  const made = command(openApp).copyInheritedSettings(program);
  for (const part of made.commands) part.copyInheritedSettings(made);
  program.addCommand(made);
}

/** Those that run for as long as they are let. */
const LASTING: ReadonlySet<string> = new Set(['serve', 'demo']);
program.hook('preAction', (_program, command) => {
  if (!LASTING.has(command.name())) compileOnlyWhatIsHot();
});

await program.parseAsync();
