import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { activateCommand } from './cli/activate.js';
import { adoptCommand } from './cli/adopt.js';
import { auditCommand } from './cli/audit.js';
import { backupCommand } from './cli/backup.js';
import { calibrateCommand } from './cli/calibrate.js';
import { classesCommand } from './cli/classes.js';
import { demoCommand } from './cli/demo.js';
import { doctorCommand } from './cli/doctor.js';
import { encodersCommand } from './cli/encoders.js';
import { evaluateCommand } from './cli/evaluate.js';
import { exportCommand } from './cli/export.js';
import { importCommand } from './cli/import.js';
import { ingestCommand } from './cli/ingest.js';
import { jobsCommand } from './cli/jobs.js';
import { keysCommand } from './cli/keys.js';
import { migrateCommand } from './cli/migrate.js';
import { modelsCommand } from './cli/models.js';
import { restoreCommand } from './cli/restore.js';
import type { OpenApp } from './cli/run.js';
import { searchCommand } from './cli/search.js';
import { serveCommand } from './cli/serve.js';
import { sizeCommand } from './cli/size.js';
import { sweepCommand } from './cli/sweep.js';
import { trainCommand } from './cli/train.js';
import { workerCommand } from './cli/worker.js';
import { delayWasmOptimisation } from './platform/wasm-tiering.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Commands that run until they are stopped. */
const LONG_RUNNING: ReadonlySet<string> = new Set(['serve', 'worker', 'demo']);

const openApp: OpenApp = async (config, signal, reportUnexpected = writeUnexpected) => {
  // Imported on demand: loading it takes about a second, which `--help` does not need.
  const { openApp: compose } = await import('./compose.js');
  return await compose(config, reportUnexpected, signal);
};

function writeUnexpected(error: unknown): void {
  process.stderr.write(
    `unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

/** The command `commonspace` with all its subcommands; `parseAsync` runs one. */
export function createProgram(): Command {
  const program = new Command('commonspace')
    .description(
      'A self-hosted catalogue of images and texts that answers a query in one modality with items of the other.',
    )
    .version(version)
    // Options after a subcommand (`encoders remove --x`) belong to the subcommand.
    .enablePositionalOptions()
    .showHelpAfterError('(run with --help for usage)')
    // An invalid command line exits with 2, as any other bad input.
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

  for (const command of [
    serveCommand,
    workerCommand,
    ingestCommand,
    trainCommand,
    adoptCommand,
    encodersCommand,
    activateCommand,
    calibrateCommand,
    evaluateCommand,
    searchCommand,
    classesCommand,
    jobsCommand,
    migrateCommand,
    keysCommand,
    auditCommand,
    exportCommand,
    importCommand,
    backupCommand,
    restoreCommand,
    sweepCommand,
    modelsCommand,
    sizeCommand,
    doctorCommand,
    demoCommand,
  ]) {
    const made = command(openApp).copyInheritedSettings(program);
    for (const part of made.commands) part.copyInheritedSettings(made);
    program.addCommand(made);
  }

  program.hook('preAction', (_program, command) => {
    if (!LONG_RUNNING.has(command.name())) delayWasmOptimisation();
  });

  return program;
}
