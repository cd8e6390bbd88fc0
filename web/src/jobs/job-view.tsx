import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { JobViewDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { Failure, messageOf, Notice } from '../ui/notice.js';
import { cancelJob, JOBS, retryJob } from './job-actions.js';
import { JobFailures } from './job-failures.js';
import { canRetry, isUnderWay, type JobRow } from './job-row.js';
import { StateBadge } from './state-badge.js';

const EVERY_MS = 1_000;

/** A job, read again while it is under way; null if there is none. */
export function useJob(id: string | null) {
  return useQuery({
    queryKey: [...JOBS, 'one', id],
    queryFn: async ({ signal }) => (await client.execute(JobViewDocument, { id: id ?? '' }, { signal })).job,
    enabled: id !== null,
    staleTime: 0,
    refetchInterval: ({ state: { data } }) => (data && isUnderWay(data) ? EVERY_MS : false),
  });
}

interface JobViewProps {
  readonly id: string;
  /** Called with the job that repeats what failed. */
  readonly onRetried: (id: string) => void;
}

/** What a job does, how far it is, what failed, and what can be done about it. */
export function JobView({ id, onRetried }: JobViewProps) {
  const t = useMessages();
  const { data: job, error, isPending, refetch } = useJob(id);
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (isPending) return <output className="notice">{t.common.loading}</output>;
  if (job === null) return <Notice title={t.jobs.missing} />;
  return (
    <section className="job-view" aria-label={t.jobs.kinds[job.kind]}>
      <JobHead job={job} onRetried={onRetried} />
      <JobBar job={job} />
      <JobCounts job={job} />
      {job.message && <p className={job.state === 'FAILED' ? 'error' : ''}>{job.message}</p>}
      <JobFailures id={id} failed={job.failed} />
    </section>
  );
}

function JobHead({ job, onRetried }: { readonly job: JobRow; readonly onRetried: (id: string) => void }) {
  const t = useMessages();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (failure) {
      setError(messageOf(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <div className="job-head">
        <h2>{t.jobs.kinds[job.kind]}</h2>
        <StateBadge state={job.state} failed={job.failed} />
        <span className="item-actions">
          {canRetry(job) && (
            <button
              type="button"
              className="primary"
              disabled={busy}
              onClick={() => void attempt(async () => onRetried(await retryJob(job)))}
            >
              {job.state === 'SUCCEEDED' ? t.jobs.retryFailed : t.common.retry}
            </button>
          )}
          {isUnderWay(job) && (
            <button type="button" disabled={busy} onClick={() => void attempt(() => cancelJob(job))}>
              {t.jobs.cancel}
            </button>
          )}
        </span>
      </div>
      {error !== null && (
        <p role="alert" className="error">
          {error}
        </p>
      )}
    </>
  );
}

/** How far a job is; without a value while its inputs are counted. */
export function JobBar({ job }: { readonly job: JobRow }) {
  const t = useMessages();
  if (!isUnderWay(job) && job.total === null) return null;
  return (
    <progress
      aria-label={t.jobs.progress}
      max={1}
      // A bar without a value moves.
      {...((job.progress !== null || !isUnderWay(job)) && { value: job.progress ?? 0 })}
    />
  );
}

function JobCounts({ job }: { readonly job: JobRow }) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale);
  const time = new Intl.DateTimeFormat(t.locale, { dateStyle: 'medium', timeStyle: 'medium' });
  const counts = [
    ['done', job.done],
    ['failed', job.failed],
    ['skipped', job.skipped],
    ['total', job.total],
  ] as const;
  const times = [
    ['createdAt', job.createdAt],
    ['finishedAt', job.finishedAt],
  ] as const;
  return (
    <dl className="figures">
      {(job.total !== null || job.done > 0) &&
        counts.map(([name, count]) => (
          <div key={name} className={name === 'failed' && job.failed > 0 ? 'error' : ''}>
            <dt>{t.jobs.counts[name]}</dt>
            <dd>{count === null ? '–' : number.format(count)}</dd>
          </div>
        ))}
      {times.map(
        ([name, at]) =>
          at !== null && (
            <div key={name} className="wide-figure">
              <dt>{t.jobs[name]}</dt>
              <dd>
                <time dateTime={at}>{time.format(new Date(at))}</time>
              </dd>
            </div>
          ),
      )}
      {job.requestedBy !== null && (
        <div>
          <dt>{t.jobs.requestedBy}</dt>
          <dd>{job.requestedBy}</dd>
        </div>
      )}
    </dl>
  );
}
