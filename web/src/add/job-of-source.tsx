import { useLocation } from 'wouter';
import { isUnderWay } from '../jobs/job-row.js';
import { JobView, useJob } from '../jobs/job-view.js';
import { useMessages } from '../messages/index.js';

/** The job that adds a source, with its progress and failures. */
export function JobOfSource({ id }: { readonly id: string }) {
  const t = useMessages();
  const [, navigate] = useLocation();
  const { data: job } = useJob(id);
  return (
    <>
      <JobView id={id} onRetried={(again) => again !== id && navigate(`/jobs/${again}`)} />
      {job && isUnderWay(job) && <p className="faint">{t.add.continues}</p>}
    </>
  );
}
