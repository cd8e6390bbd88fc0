import '../styles/keys.css';
import { useEffect, useState } from 'react';
import { KeyListDocument } from '../__generated__/operations.js';
import { client, queries, SESSION } from '../api/client.js';
import type { Session } from '../api/session.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure, Notice } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { usePages } from '../ui/use-pages.js';
import { KEYS } from './key-actions.js';
import { KeyForm } from './key-form.js';
import { KeyLine } from './key-line.js';
import { NewSecret } from './new-secret.js';
import { showKey, useShownKey } from './shown-key.js';

const PAGE_SIZE = 50;
const CHOICES = { usable: true, ended: false, all: null } as const;
type Choice = keyof typeof CHOICES;

/** The keys of the API, for admins. */
export function KeysPage({ session }: { readonly session: Session }) {
  const t = useMessages();
  const shown = useShownKey();
  // Unless the login takes its place, a secret is not shown again.
  useEffect(
    () => () => {
      if (queries.getQueryData(SESSION) !== null) showKey(null);
    },
    [],
  );
  const withoutKeys = session.seconds === null;
  return (
    <div className="plain-page">
      <title>{`${t.nav.keys} · Commonspace`}</title>
      <h1>{t.nav.keys}</h1>
      {session.scopes.includes('admin') ? (
        <>
          {withoutKeys ? (
            <p className="key-intro">{t.keys.none}</p>
          ) : (
            <p className="key-intro">{t.keys.intro}</p>
          )}
          {shown && <NewSecret key={shown.secret} shown={shown} />}
          <KeyForm key={String(withoutKeys)} first={withoutKeys} />
          {withoutKeys ? <FirstByCommand /> : <KeyList />}
        </>
      ) : (
        <Notice title={t.keys.forAdmins}>
          <p>{t.keys.forAdminsHint}</p>
        </Notice>
      )}
    </div>
  );
}

const COMMAND = 'commonspace keys create NAME --scope admin';

function FirstByCommand() {
  const t = useMessages();
  return (
    <p className="faint">
      {t.keys.byCommand} <code>{COMMAND}</code>
    </p>
  );
}

function KeyList() {
  const t = useMessages();
  const [choice, setChoice] = useState<Choice>('usable');
  const list = usePages([...KEYS, choice], async (after, signal) => {
    const variables = { usable: CHOICES[choice], first: PAGE_SIZE, after };
    return (await client.execute(KeyListDocument, variables, { signal })).keys;
  });
  return (
    <>
      <div className="toolbar">
        <Segments
          label={t.keys.show}
          value={choice}
          options={[
            ['usable', t.keys.usable],
            ['ended', t.keys.ended],
            ['all', t.keys.all],
          ]}
          onChange={setChoice}
        />
        <output className="faint total">{list.total === undefined ? '' : t.keys.count(list.total)}</output>
      </div>
      {list.error && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && list.nodes.length === 0 && <p className="faint">{t.keys.noneOfThem}</p>}
      <ul className="key-list">
        {list.nodes.map((row) => (
          <KeyLine key={row.id} row={row} />
        ))}
      </ul>
      <More list={list} />
    </>
  );
}
