import { Command } from 'commander';
import { JOB_STATES, type JobState } from '../domain/job.js';
import { readChoice, readNumber } from './arguments.js';
import type { JobBackend, JobView } from './backend/job-backend.js';
import { table } from './output.js';
import { type GlobalOptions, type OpenApp, run, SHORT, withServerOptions } from './run.js';

interface JobsOptions extends GlobalOptions {
  readonly state?: JobState;
  readonly first: number;
}

/** Failures that `jobs show` prints. */
const FAILURES_SHOWN = 20;

export function jobsCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('jobs'))
    .description('list jobs with trainings and evaluations, the newest first; show, cancel or retry one')
    .option('--state <state>', 'only those in this state', readChoice(JOB_STATES))
    .option(
      '--first <n>',
      'maximum number of jobs',
      readNumber('first', { integer: true, min: 1, max: 100 }),
      20,
    )
    .action((options: JobsOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const backend = await connect();
        const states = options.state === undefined ? null : [options.state];
        const { totalCount, jobs } = await backend.jobs.page(states, options.first);
        out.print(jobs.length === 0 ? 'No jobs.' : tableOf(jobs));
        if (totalCount > jobs.length) out.note(`${jobs.length} of ${totalCount} jobs.`);
        out.printJson({ totalCount, jobs });
      }),
    )
    .addCommand(showCommand(openApp))
    .addCommand(
      changeCommand(openApp, 'cancel', 'cancel a job; what it has done stays', (jobs, id) => jobs.cancel(id)),
    )
    .addCommand(
      changeCommand(openApp, 'retry', 'repeat what failed, by the same job or a further one', (jobs, id) =>
        jobs.retry(id),
      ),
    );
}

function showCommand(openApp: OpenApp): Command {
  return withServerOptions(new Command('show'))
    .description('show a job and its first failed inputs')
    .argument('<id>', 'the job')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const { jobs } = await connect();
        const job = await jobs.require(id);
        const failures = await jobs.failures(id, FAILURES_SHOWN);
        out.print(tableOf([job]));
        if (job.message !== null) out.print(job.message);
        for (const { reference, code, message } of failures) out.print(`${reference}: ${code}: ${message}`);
        if (job.failed > failures.length) out.note(`${failures.length} of ${job.failed} failures.`);
        out.printJson({ ...job, failures });
      }),
    );
}

function changeCommand(
  openApp: OpenApp,
  name: string,
  description: string,
  change: (jobs: JobBackend, id: string) => Promise<JobView>,
): Command {
  return withServerOptions(new Command(name))
    .description(description)
    .argument('<id>', 'the job')
    .action((id: string, options: GlobalOptions) =>
      run(openApp, options, SHORT, async ({ out, connect }) => {
        const job = await change((await connect()).jobs, id);
        out.print(tableOf([job]));
        out.printJson(job);
      }),
    );
}

function tableOf(jobs: readonly JobView[]): string {
  const rows = jobs.map(({ id, kind, state, total, done, failed, skipped, createdAt, requestedBy }) => [
    id,
    kind,
    state,
    total === null ? '' : String(total),
    String(done),
    String(failed),
    String(skipped),
    createdAt.toISOString().slice(0, 16).replace('T', ' '),
    requestedBy ?? '',
  ]);
  const numbers = ['right', 'right', 'right', 'right'] as const;
  const header = ['job', 'kind', 'state', 'all', 'done', 'failed', 'skipped', 'created', 'by'];
  return table(header, rows, ['left', 'left', 'left', ...numbers]);
}
