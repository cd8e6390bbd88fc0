import type { ReactNode } from 'react';
import { ApiError } from '../../../src/client/api-error.js';
import { useMessages } from '../messages/index.js';

interface NoticeProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly role?: 'status' | 'alert';
}

/** A message in the place of content. */
export function Notice({ title, children, role }: NoticeProps) {
  return (
    <div className="notice" role={role}>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Why a request failed, with a way to repeat it. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  const t = useMessages();
  return (
    <Notice role="alert" title={t.common.failed}>
      <p>{messageOf(error)}</p>
      {error instanceof ApiError && error.requestId !== null && (
        <p className="faint">{t.common.requestId(error.requestId)}</p>
      )}
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {t.common.retry}
        </button>
      )}
    </Notice>
  );
}

/** What an error says to people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
