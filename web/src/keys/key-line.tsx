import { useState } from 'react';
import { useMessages } from '../messages/index.js';
import { messageOf } from '../ui/notice.js';
import { type KeyRow, MEGABYTE, revokeKey } from './key-actions.js';

/** A key in the list, with a button that revokes it after a question. */
export function KeyLine({ row }: { readonly row: KeyRow }) {
  const t = useMessages();
  const [asking, setAsking] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const expired = row.expiresAt !== null && Date.parse(row.expiresAt) <= Date.now();
  const revoke = async () => {
    try {
      await revokeKey(row);
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  return (
    <li className={row.revokedAt !== null || expired ? 'key-line ended' : 'key-line'}>
      <div className="key-head">
        <strong>{row.name}</strong>
        {row.scopes.map((scope) => (
          <span key={scope} className={scope === 'ADMIN' ? 'badge accent' : 'badge'}>
            {t.keys.scopeNames[scope]}
          </span>
        ))}
        {row.current && <span className="badge accent">{t.keys.current}</span>}
      </div>
      <KeyFacts row={row} expired={expired} />
      {row.revokedAt === null && !asking && (
        <button
          type="button"
          className="danger"
          aria-label={t.keys.revokeNamed(row.name)}
          onClick={() => setAsking(true)}
        >
          {t.keys.revoke}
        </button>
      )}
      {asking && (
        <div className="key-question" role="alert">
          <p>{row.current ? t.keys.confirmOwn(row.name) : t.keys.confirm(row.name)}</p>
          <button type="button" className="danger" onClick={() => void revoke()}>
            {t.keys.revoke}
          </button>
          <button type="button" onClick={() => setAsking(false)}>
            {t.common.cancel}
          </button>
          {error !== null && <p className="error">{error}</p>}
        </div>
      )}
    </li>
  );
}

function KeyFacts({ row, expired }: { readonly row: KeyRow; readonly expired: boolean }) {
  const t = useMessages();
  const day = new Intl.DateTimeFormat(t.locale, { dateStyle: 'medium' });
  const time = new Intl.DateTimeFormat(t.locale, { dateStyle: 'medium', timeStyle: 'short' });
  const number = new Intl.NumberFormat(t.locale);
  const limit = (value: number) => (value === 0 ? t.keys.unlimited : number.format(value));
  const facts = [
    [t.keys.created, day.format(new Date(row.createdAt))],
    [t.keys.used, row.usedAt === null ? t.keys.unused : time.format(new Date(row.usedAt))],
    row.revokedAt === null
      ? [
          expired ? t.keys.expired : t.keys.expires,
          row.expiresAt === null ? t.keys.never : day.format(new Date(row.expiresAt)),
        ]
      : [t.keys.revoked, day.format(new Date(row.revokedAt))],
    ...(row.costPerMinute === null ? [] : [[t.keys.costPerMinute, limit(row.costPerMinute)]]),
    ...(row.bytesPerMinute === null
      ? []
      : [[t.keys.megabytesPerMinute, limit(row.bytesPerMinute / MEGABYTE)]]),
  ];
  return (
    <dl className="key-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
