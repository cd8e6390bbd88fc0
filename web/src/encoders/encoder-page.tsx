import { ArrowLeft } from 'lucide-react';
import { Link } from 'wouter';
import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { Failure, Notice } from '../ui/notice.js';
import { Curves } from './curves.js';
import { EncoderActions } from './encoder-actions.js';
import { EncoderFacts } from './encoder-facts.js';
import { useFormats } from './formats.js';
import { GateResult } from './gate-result.js';
import { Health } from './health.js';
import { Parts } from './parts.js';
import { Report } from './report.js';
import { RunProgress } from './run-progress.js';
import { StateBadge } from './state-badge.js';
import { isSearchable, isWorking } from './states.js';
import { useEncoder } from './use-encoder.js';

/** One version: its training as it goes on, what it consists of, how well it retrieves, and what can be done with it. */
export function EncoderPage({ id }: { readonly id: string }) {
  const t = useMessages();
  const { data, error, isPending, refetch } = useEncoder(id);
  if (isPending) return <output className="notice">{t.common.loading}</output>;
  if (error && !data) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Notice title={t.encoders.missing} />;
  return <Version version={data} />;
}

function Version({ version }: { readonly version: VersionDetailsFragment }) {
  const t = useMessages();
  const format = useFormats();
  const { id, state, createdAt, parts, failure, promotion, notes } = version;
  const working = isWorking(state);
  const name = t.encoders.version(format.time(createdAt));
  return (
    <article className="item-page encoder">
      <title>{`${name} · Commonspace`}</title>
      <Link href="/encoders" className="back">
        <ArrowLeft aria-hidden size={16} />
        {t.nav.encoders}
      </Link>
      <header className="class-head">
        <h1>{name}</h1>
        <StateBadge state={state} />
        <span className="faint">{t.encoders.stateHints[state]}</span>
      </header>
      <EncoderActions version={version} />
      {failure && (
        <p role="alert" className="panel error">
          {failure.message}
        </p>
      )}
      {working && <RunProgress version={version} />}
      <Curves id={id} working={working} />
      <div className="encoder-columns">
        <EncoderFacts version={version} />
        {parts.length > 0 && <Parts parts={parts} />}
      </div>
      {promotion && <GateResult check={promotion} />}
      {isSearchable(state) && (
        <>
          <Report id={id} />
          <Health id={id} />
        </>
      )}
      {notes.length > 0 && (
        <section>
          <h2>{t.encoders.notes}</h2>
          <ul className="notes">
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      )}
    </article>
  );
}
