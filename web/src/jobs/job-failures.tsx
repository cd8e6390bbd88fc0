import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { JobFailuresDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure } from '../ui/notice.js';
import { JOBS } from './job-actions.js';

const PAGE_SIZE = 50;

interface JobFailuresProps {
  readonly id: string;
  /** The number of inputs that failed so far. */
  readonly failed: number;
}

/** The failures of a job, page by page. */
export function useFailures({ id, failed }: JobFailuresProps) {
  return useInfiniteQuery({
    queryKey: [...JOBS, 'failures', id, failed],
    queryFn: async ({ pageParam, signal }) => {
      const variables = { id, first: PAGE_SIZE, after: pageParam };
      const { job } = await client.execute(JobFailuresDocument, variables, { signal });
      return job?.failures ?? null;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (page?.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
    placeholderData: keepPreviousData,
    enabled: failed > 0,
  });
}

/** The inputs of a job that failed, with their reasons. */
export function JobFailures(props: JobFailuresProps) {
  const t = useMessages();
  const list = useFailures(props);
  if (props.failed === 0) return null;
  if (list.error) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  const failures = list.data?.pages.flatMap((page) => page?.nodes ?? []) ?? [];
  return (
    <>
      <h3>{t.jobs.failures}</h3>
      <ul className="failures">
        {failures.map(({ ordinal, reference, code, message }) => (
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
