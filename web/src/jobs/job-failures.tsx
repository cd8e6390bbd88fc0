import { JobFailuresDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure } from '../ui/notice.js';
import { usePages } from '../ui/use-pages.js';
import { JOBS } from './job-actions.js';

const PAGE_SIZE = 50;
/** Of a job that is gone. */
const NONE = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

interface JobFailuresProps {
  readonly id: string;
  /** The number of inputs that failed so far. */
  readonly failed: number;
}

/** The failures of a job, page by page. */
export function useFailures({ id, failed }: JobFailuresProps) {
  const read = async (after: string | null, signal: AbortSignal) => {
    const { job } = await client.execute(JobFailuresDocument, { id, first: PAGE_SIZE, after }, { signal });
    return job?.failures ?? NONE;
  };
  return usePages([...JOBS, 'failures', id, failed], read, { enabled: failed > 0 });
}

/** The inputs of a job that failed, with their reasons. */
export function JobFailures(props: JobFailuresProps) {
  const t = useMessages();
  const list = useFailures(props);
  if (props.failed === 0) return null;
  if (list.error) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <>
      <h3>{t.jobs.failures}</h3>
      <ul className="failures">
        {list.nodes.map(({ ordinal, reference, code, message }) => (
          <li key={ordinal}>
            <strong>{reference}</strong>
            <span>{message}</span>
            <code className="faint">{code}</code>
          </li>
        ))}
      </ul>
      <More list={list} />
    </>
  );
}
