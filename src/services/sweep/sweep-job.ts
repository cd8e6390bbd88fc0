import { z } from 'zod';
import type { JobKind } from '../jobs/job-kind.js';
import type { Sweep, SweepReport } from './sweep.js';

const parameters = z.object({ features: z.boolean() });

/** A sweep as a job. Removed leftovers stay removed, so a repeated one continues. */
export function sweepJob(sweep: Pick<Sweep, 'run'>): JobKind<z.output<typeof parameters>> {
  return {
    name: 'SWEEP',
    slot: 'short',
    scope: 'admin',
    parameters,
    async run({ features }, { signal, advance }) {
      const report = await sweep.run({ features, signal });
      const { uploads, files, sources, thumbnails, pairs, runs } = report;
      const done = uploads + files + sources + thumbnails + pairs + runs;
      await advance({ position: null, done, failed: 0, skipped: 0 });
      return messageOf(report);
    },
  };
}

function messageOf({ uploads, files, sources, thumbnails, pairs, runs }: SweepReport): string {
  return `Removed ${uploads} uploads, ${files} picture files, ${sources} sources, ${thumbnails} thumbnails, ${pairs} pairs, ${runs} folders of runs.`;
}
