import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { WatchJobsDocument } from '../__generated__/operations.js';
import { client, queries, SESSION } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { showToast } from '../ui/toasts.js';
import { JOBS } from './job-actions.js';
import type { JobRow } from './job-row.js';

const BUSY_MS = 2_000;
const IDLE_MS = 15_000;
/** A failure is not to be missed. */
const FAILURE_SHOWN_MS = 30_000;
/** Kinds that people wait for. Others are told only if they fail. */
const AWAITED: ReadonlySet<JobRow['kind']> = new Set([
  'INGEST',
  'IMPORT',
  'DELETION',
  'TRAINING',
  'EVALUATION',
]);

/** First parts of keys of queries that no job changes, or that are read again anyway. */
const KEPT: ReadonlySet<unknown> = new Set([JOBS[0], SESSION[0], 'preview']);

/**
 * Watches the jobs of the server wherever one is on the page, and tells of those that end.
 *
 * @returns how many are under way
 */
export function useJobWatch(): number {
  const t = useMessages();
  const [, navigate] = useLocation();
  const told = useRef<ReadonlySet<string> | null>(null);
  const { data } = useQuery({
    queryKey: [...JOBS, 'watch'],
    queryFn: async ({ signal }) => await client.execute(WatchJobsDocument, {}, { signal }),
    staleTime: 0,
    refetchInterval: ({ state }) => ((state.data?.underWay.totalCount ?? 0) > 0 ? BUSY_MS : IDLE_MS),
  });
  useEffect(() => {
    if (data === undefined) return;
    const before = told.current;
    const { nodes } = data.ended;
    told.current = new Set([...(before ?? []), ...nodes.map(keyOf)]);
    const news = before === null ? [] : nodes.filter((job) => !before.has(keyOf(job)));
    for (const job of news) {
      const isBad = job.state === 'FAILED' || job.failed > 0;
      if (!isBad && !AWAITED.has(job.kind)) continue;
      const text =
        job.state === 'FAILED'
          ? t.jobs.toldFailed(t.jobs.kinds[job.kind], job.message ?? job.code ?? '')
          : t.jobs.toldEnded(t.jobs.kinds[job.kind], job.done, job.failed);
      const action = { label: t.jobs.toJob, run: () => navigate(`/jobs/${job.id}`) };
      showToast({ text, tone: isBad ? 'error' : 'plain', action }, ...(isBad ? [FAILURE_SHOWN_MS] : []));
    }
    // What the catalogue shows may have changed.
    if (news.some(({ kind }) => AWAITED.has(kind)))
      void queries.invalidateQueries({ predicate: ({ queryKey }) => !KEPT.has(queryKey[0]) });
  }, [data, t, navigate]);
  return data?.underWay.totalCount ?? 0;
}

/** A job that is repeated ends a second time. */
function keyOf({ id, finishedAt }: JobRow): string {
  return `${id} ${finishedAt}`;
}
