import { useMessages } from '../messages/index.js';
import type { JobRow } from './job-row.js';

/** The state of a job. A job that succeeded can have failed inputs. */
export function StateBadge({ state, failed }: Pick<JobRow, 'state' | 'failed'>) {
  const t = useMessages();
  const isBad = state === 'FAILED' || failed > 0;
  const tone = isBad ? 'bad' : state === 'RUNNING' ? 'accent' : '';
  const name = state === 'SUCCEEDED' && failed > 0 ? t.jobs.partly : t.jobs.states[state];
  return <span className={`badge ${tone}`}>{name}</span>;
}
