import { useDeferredValue, useState } from 'react';
import { ClassListDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { More } from '../ui/more.js';
import { Failure, Notice } from '../ui/notice.js';
import { Segments } from '../ui/segments.js';
import { usePages } from '../ui/use-pages.js';
import { ClassLine } from './class-line.js';
import { NewClass } from './new-class.js';

const PAGE_SIZE = 60;
type Kind = 'all' | 'seen' | 'unseen';

/** All classes: search among them, and make one. */
export function ClassesPage() {
  const t = useMessages();
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState<Kind>('all');
  const wanted = useDeferredValue(search.trim());
  const list = usePages(['classes', wanted, kind], async (after, signal) => {
    const seen = kind === 'all' ? null : kind === 'seen';
    const variables = { search: wanted || null, seen, first: PAGE_SIZE, after };
    return (await client.execute(ClassListDocument, variables, { signal })).classes;
  });
  const classes = list.nodes;
  const number = new Intl.NumberFormat(t.locale);
  return (
    <div className="plain-page">
      <title>{`${t.nav.classes} · Commonspace`}</title>
      <h1>{t.nav.classes}</h1>
      <NewClass />
      <div className="toolbar">
        <input
          type="search"
          aria-label={t.classes.find}
          placeholder={t.classes.find}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Segments
          label={t.classes.kind}
          value={kind}
          options={[
            ['all', t.classes.all],
            ['seen', t.classes.seen],
            ['unseen', t.classes.unseen],
          ]}
          onChange={setKind}
        />
        <output className="faint total">{list.total === undefined ? '' : t.classes.count(list.total)}</output>
      </div>
      {list.error && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && classes.length === 0 && (
        <Notice role="status" title={wanted === '' ? t.classes.none : t.classes.noneFound(wanted)} />
      )}
      {classes.length > 0 && (
        <ul className="class-list" aria-label={t.nav.classes}>
          {classes.map((each) => (
            <ClassLine key={each.id} of={each}>
              <span className="faint">{number.format(each.itemCount)}</span>
            </ClassLine>
          ))}
        </ul>
      )}
      <More list={list} />
    </div>
  );
}
