import { useQuery } from '@tanstack/react-query';
import { ArrowLeft } from 'lucide-react';
import { Link } from 'wouter';
import {
  ClassItemsDocument,
  ClassPageDocument,
  LabelledItemsDocument,
  NearestClassesDocument,
} from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { Strip } from '../item/strip.js';
import { useMessages } from '../messages/index.js';
import { EMPTY, writeState } from '../search/search-state.js';
import { Failure, Notice } from '../ui/notice.js';
import { Section } from '../ui/section.js';
import { ClassActions } from './class-actions.js';
import { ClassBadge } from './class-badge.js';
import { ClassLine } from './class-line.js';
import { ClassMeasures } from './class-measures.js';

const SHOWN = 24;
const FOUND = 12;

/** One class: its items, what it finds, the classes that are closest, and how well the encoder tells it. */
export function ClassPage({ id }: { readonly id: string }) {
  const t = useMessages();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['class', id],
    queryFn: async ({ signal }) => (await client.execute(ClassPageDocument, { id }, { signal })).node,
  });
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (isPending) return <output className="notice">{t.common.loading}</output>;
  if (data === null || !('name' in data)) return <Notice title={t.classes.missing} />;
  const { name } = data;
  return (
    <article className="item-page">
      <title>{`${name} · Commonspace`}</title>
      <Link href="/classes" className="back">
        <ArrowLeft aria-hidden size={16} />
        {t.nav.classes}
      </Link>
      <header className="class-head">
        <h1>{name}</h1>
        <ClassBadge seen={data.seen} />
        <span className="faint">
          {t.common.images(data.images)}
          {' · '}
          {t.common.texts(data.texts)}
        </span>
      </header>
      {data.description && <p>{data.description}</p>}
      <ClassActions id={id} name={name} description={data.description} />
      <Labelled name={name} />
      <Found name={name} />
      <Nearest name={name} />
      <ClassMeasures name={name} />
    </article>
  );
}

function Labelled({ name }: { readonly name: string }) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['class-items', name],
    queryFn: async ({ signal }) =>
      (await client.execute(LabelledItemsDocument, { name, first: SHOWN }, { signal })).items.nodes,
  });
  return (
    <Section title={t.classes.items} href={`/${writeState({ ...EMPTY, classes: [name] })}`}>
      {data?.length === 0 ? (
        <p className="faint">{t.classes.noItems}</p>
      ) : (
        <Strip items={(data ?? []).map((item) => ({ item, score: null }))} />
      )}
    </Section>
  );
}

/** Pictures without the label that are closest to the class. There is no calibrated cut-off for classes. */
function Found({ name }: { readonly name: string }) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['class-found', name],
    queryFn: async ({ signal }) => {
      const variables = {
        query: { className: name },
        filter: { not: { classNames: [name] } },
        first: FOUND,
      };
      return (await client.execute(ClassItemsDocument, variables, { signal })).crossModalSearch.edges;
    },
  });
  if (!data?.length) return null;
  return (
    <Section
      title={t.classes.found}
      href={`/${writeState({ ...EMPTY, parts: [{ kind: 'className', value: name, weight: 1 }] })}`}
    >
      <Strip items={data.map(({ node, score }) => ({ item: node, score }))} />
    </Section>
  );
}

function Nearest({ name }: { readonly name: string }) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const { data } = useQuery({
    queryKey: ['class-nearest', name],
    queryFn: async ({ signal }) =>
      (await client.execute(NearestClassesDocument, { name }, { signal })).classify,
  });
  const others = (data ?? [])
    .filter((each) => each.class.name !== name)
    .sort((a, b) => b.similarity - a.similarity);
  if (others.length === 0) return null;
  return (
    <Section title={t.classes.nearest}>
      <ul className="class-list">
        {others.map((each) => (
          <ClassLine key={each.class.id} of={each.class}>
            <span className="faint" title={t.search.similarity(number.format(each.similarity))}>
              {number.format(each.similarity)}
            </span>
          </ClassLine>
        ))}
      </ul>
    </Section>
  );
}
