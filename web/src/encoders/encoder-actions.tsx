import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { ApiError } from '../../../src/client/api-error.js';
import type { VersionDetailsFragment } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { showToast } from '../ui/toasts.js';
import { isSearchable, isWorking, SEARCHABLE } from './states.js';
import { encodersChanged, useEncoders } from './use-encoder.js';

/** What the state of a version allows: cancel, resume, activate, go back, compare, delete. */
export function EncoderActions({ version }: { readonly version: VersionDetailsFragment }) {
  const t = useMessages();
  const [, navigate] = useLocation();
  const [confirming, setConfirming] = useState(false);
  const { id, state, activatedAt } = version;
  const run = useMutation({
    mutationFn: async (work: () => Promise<unknown>) => {
      await work();
      await encodersChanged();
    },
  });
  const activate = useMutation({
    mutationFn: async (force: boolean) => {
      await client.activateEncoder({ id, force });
      await encodersChanged();
      showToast({ text: t.encoders.activated });
    },
    // A refusal is kept with the version.
    onError: () => void encodersChanged(),
  });
  const remove = useMutation({
    mutationFn: async () => {
      await client.deleteEncoder(id);
      navigate('/encoders');
      await encodersChanged();
    },
  });
  const others = useEncoders(SEARCHABLE).nodes.filter((each) => each.id !== id);
  const active = others.find((each) => each.state === 'ACTIVE');
  const previous = others
    .filter((each) => each.state === 'RETIRED' && each.retiredAt !== null)
    .sort((a, b) => ((a.retiredAt ?? '') < (b.retiredAt ?? '') ? 1 : -1))[0];
  const other = active ?? previous ?? others[0];
  const busy = run.isPending || activate.isPending || remove.isPending;
  const refused = activate.error instanceof ApiError && activate.error.code === 'BELOW_ACTIVE';
  const error = run.error ?? remove.error ?? (refused ? null : activate.error);
  const wasActive = activatedAt !== null;
  return (
    <div className="class-actions">
      <div className="item-actions">
        {isWorking(state) && (
          <button type="button" disabled={busy} onClick={() => run.mutate(() => client.cancelTraining(id))}>
            {t.encoders.cancel}
          </button>
        )}
        {(state === 'FAILED' || state === 'CANCELLED') && (
          <button
            type="button"
            className="primary"
            disabled={busy}
            onClick={() => run.mutate(() => client.resumeTraining(id))}
          >
            {t.encoders.resume}
          </button>
        )}
        {(state === 'READY' || state === 'RETIRED') && (
          <button type="button" className="primary" disabled={busy} onClick={() => activate.mutate(false)}>
            {activate.isPending ? t.encoders.activating : wasActive ? t.encoders.goBack : t.encoders.activate}
          </button>
        )}
        {state === 'ACTIVE' && previous && (
          <Link href={`/encoders/${previous.id}`} className="button">
            {t.encoders.previous}
          </Link>
        )}
        {isSearchable(state) && other && (
          <Link href={`/encoders/compare?a=${other.id}&b=${id}`} className="button">
            {other === active ? t.encoders.compareWithActive : t.encoders.compareWithOther}
          </Link>
        )}
        {!isWorking(state) && state !== 'ACTIVE' && (
          <button
            type="button"
            className="danger"
            aria-expanded={confirming}
            disabled={busy}
            onClick={() => setConfirming(!confirming)}
          >
            {t.encoders.remove}
          </button>
        )}
      </div>
      {confirming && (
        <div className="panel warning">
          <p>{t.encoders.confirm}</p>
          <div className="item-actions">
            <button type="button" className="danger" disabled={busy} onClick={() => remove.mutate()}>
              {t.encoders.removeNow}
            </button>
            <button type="button" onClick={() => setConfirming(false)}>
              {t.common.cancel}
            </button>
          </div>
        </div>
      )}
      {refused && (
        <div className="panel warning" role="alert">
          <h2>{t.encoders.refused}</h2>
          <p>{messageOf(activate.error)}</p>
          <p>{t.encoders.forceWarning}</p>
          <div className="item-actions">
            <button type="button" className="danger" disabled={busy} onClick={() => activate.mutate(true)}>
              {t.encoders.force}
            </button>
            <button type="button" onClick={() => activate.reset()}>
              {t.encoders.keepActive}
            </button>
          </div>
        </div>
      )}
      {error && (
        <p role="alert" className="error">
          {messageOf(error)}
        </p>
      )}
    </div>
  );
}
