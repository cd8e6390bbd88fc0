import { useState } from 'react';
import { Link } from 'wouter';
import type { EncoderRowFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure, Notice } from '../ui/notice.js';
import { useFormats } from './formats.js';
import { StateBadge } from './state-badge.js';
import { isSearchable, isWorking, meanMap } from './states.js';
import { TrainForm } from './train-form.js';
import { useEncoders } from './use-encoder.js';

/** All versions of the encoder, and the form that starts a training. */
export function EncodersPage() {
  const t = useMessages();
  const list = useEncoders();
  const [open, setOpen] = useState(false);
  const versions = list.nodes;
  const [first, second] = versions.filter(({ state }) => isSearchable(state));
  return (
    <div className="plain-page">
      <title>{`${t.nav.encoders} · Commonspace`}</title>
      <header className="part-head">
        <h1>{t.nav.encoders}</h1>
        <div className="item-actions">
          {first && second && (
            <Link href={`/encoders/compare?a=${second.id}&b=${first.id}`} className="button">
              {t.encoders.compare}
            </Link>
          )}
          <button type="button" className="primary" aria-expanded={open} onClick={() => setOpen(!open)}>
            {t.encoders.start}
          </button>
        </div>
      </header>
      <p className="faint lead">{t.encoders.lead}</p>
      {open && <TrainForm versions={versions} onDone={() => setOpen(false)} />}
      {list.isPending && <output className="notice">{t.common.loading}</output>}
      {list.error && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && versions.length === 0 && (
        <Notice role="status" title={t.encoders.none}>
          <p>{t.encoders.noneHint}</p>
        </Notice>
      )}
      <ul className="versions">
        {versions.map((version) => (
          <li key={version.id}>
            <VersionCard version={version} />
          </li>
        ))}
      </ul>
      <More list={list} />
    </div>
  );
}

function VersionCard({ version }: { readonly version: EncoderRowFragment }) {
  const t = useMessages();
  const format = useFormats();
  const { id, state, createdAt, pairs, seconds, request, seen, unseen, progress } = version;
  const facts: readonly (readonly [name: string, value: string])[] = [
    [t.encoders.preset, request === null ? '–' : (t.encoders.presets[request.preset] ?? request.preset)],
    [t.encoders.pairs, format.number(pairs)],
    [t.encoders.mapSeen, format.figure(meanMap(seen?.encoder))],
    [t.encoders.mapUnseen, format.figure(meanMap(unseen?.encoder))],
    [t.encoders.took, format.duration(seconds)],
  ];
  return (
    <Link href={`/encoders/${id}`} className="version">
      <span className="version-name">
        {format.time(createdAt)} <StateBadge state={state} />
      </span>
      <span className="version-facts">
        {facts.map(([name, value]) => (
          <span key={name}>
            <span className="faint">{name}</span> <span className="value">{value}</span>
          </span>
        ))}
      </span>
      {isWorking(state) && (
        <progress
          max={1}
          aria-label={t.encoders.states[state]}
          {...(progress !== null && progress.all > 0 && { value: progress.done / progress.all })}
        />
      )}
    </Link>
  );
}
