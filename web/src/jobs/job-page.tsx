import { ArrowLeft } from 'lucide-react';
import { Link, useLocation } from 'wouter';
import { useMessages } from '../messages/index.js';
import { JobView } from './job-view.js';

/** One job. */
export function JobPage({ id }: { readonly id: string }) {
  const t = useMessages();
  const [, navigate] = useLocation();
  return (
    <div className="plain-page">
      <title>{`${t.jobs.one} · Commonspace`}</title>
      <Link href="/jobs" className="back">
        <ArrowLeft aria-hidden size={16} />
        {t.nav.jobs}
      </Link>
      <h1>{t.jobs.one}</h1>
      <JobView id={id} onRetried={(again) => navigate(`/jobs/${again}`)} />
    </div>
  );
}
