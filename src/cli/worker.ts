import { Command } from 'commander';
import { logUnexpected } from '../http/request-log.js';
import { readNumber } from './arguments.js';
import { type GlobalOptions, type OpenApp, run, withGlobalOptions } from './run.js';
import { createLogger, stopped } from './serve.js';

interface WorkerOptions extends GlobalOptions {
  readonly jobs?: number;
}

export function workerCommand(openApp: OpenApp): Command {
  return withGlobalOptions(new Command('worker'))
    .description(
      'work on queued jobs and trainings until SIGINT or SIGTERM, beside servers on the same database',
    )
    .option(
      '--jobs <n>',
      'long jobs at once, beside one short one (default: COMMONSPACE_JOBS, or 1)',
      readNumber('jobs', { integer: true, min: 1, max: 16 }),
    )
    .action((options: WorkerOptions) =>
      run(openApp, options, options.jobs === undefined ? {} : { jobs: options.jobs }, async (running) => {
        const { config, out, signal, openToServe } = running;
        const logger = createLogger(config.logLevel);
        const app = await openToServe((error) => logUnexpected(logger, error));
        // A process that has only this to do does not idle because servers do no jobs.
        const atOnce = Math.max(1, config.jobs);
        app.budgetExchange.start();
        app.trainingRunner.start();
        app.jobRunner.start(atOnce);
        out.print(
          `The worker does ${atOnce} long job${atOnce === 1 ? '' : 's'} at once (stop it with Ctrl-C)`,
        );
        out.printJson({ jobs: atOnce });
        await stopped(signal);
      }),
    );
}
