import { useState } from 'react';
import { Link } from 'wouter';
import { JobListDocument, type JobState } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure, Notice } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { usePages } from '../ui/use-pages.js';
import { JOBS } from './job-actions.js';
import { isUnderWay, type JobRow } from './job-row.js';
import { JobBar } from './job-view.js';
import { ServerFigures } from './server-figures.js';
import { StateBadge } from './state-badge.js';

const PAGE_SIZE = 20;
const EVERY_MS = 2_000;
const CHOICES = {
  all: null,
  underWay: ['QUEUED', 'RUNNING'],
  failed: ['FAILED'],
} as const satisfies Record<string, readonly JobState[] | null>;
type Choice = keyof typeof CHOICES;

/** What the server does, what failed, and its figures. */
export function JobsPage() {
  const t = useMessages();
  const [choice, setChoice] = useState<Choice>('all');
  const read = async (after: string | null, signal: AbortSignal) => {
    const variables = { states: CHOICES[choice], first: PAGE_SIZE, after };
    return (await client.execute(JobListDocument, variables, { signal })).jobs;
  };
  const list = usePages([...JOBS, 'list', choice], read, { staleTime: 0, refetchInterval: EVERY_MS });
  const jobs = list.nodes;
  return (
    <div className="plain-page">
      <title>{`${t.nav.jobs} · Commonspace`}</title>
      <h1>{t.jobs.title}</h1>
      <ServerFigures />
      <h2>{t.nav.jobs}</h2>
      <div className="toolbar">
        <Segments
          label={t.jobs.show}
          value={choice}
          options={[
            ['all', t.jobs.all],
            ['underWay', t.jobs.underWay],
            ['failed', t.jobs.states.FAILED],
          ]}
          onChange={setChoice}
        />
        <output className="faint total">{list.total === undefined ? '' : t.jobs.count(list.total)}</output>
      </div>
      {list.error && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && jobs.length === 0 && (
        <Notice role="status" title={choice === 'all' ? t.jobs.none : t.jobs.noneOfThem}>
          {choice === 'all' && <p>{t.jobs.noneHint}</p>}
        </Notice>
      )}
      <ul className="job-list">
        {jobs.map((job) => (
          <li key={job.id}>
            <JobLine job={job} />
          </li>
        ))}
      </ul>
      <More list={list} />
    </div>
  );
}

function JobLine({ job }: { readonly job: JobRow }) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale);
  const time = new Intl.DateTimeFormat(t.locale, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <Link href={`/jobs/${job.id}`}>
      <span className="job-line">
        <strong>{t.jobs.kinds[job.kind]}</strong>
        <StateBadge state={job.state} failed={job.failed} />
        {job.total !== null && (
          <span className="faint">
            {t.jobs.doneOf(number.format(job.done + job.skipped), number.format(job.total))}
          </span>
        )}
        {job.failed > 0 && <span className="error">{t.jobs.someFailed(job.failed)}</span>}
        <time className="faint" dateTime={job.createdAt}>
          {time.format(new Date(job.createdAt))}
        </time>
      </span>
      {isUnderWay(job) && <JobBar job={job} />}
      {job.message && (
        <span className={job.state === 'FAILED' ? 'error job-message' : 'faint job-message'}>
          {job.message}
        </span>
      )}
    </Link>
  );
}
