import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { WhyDocument } from '../__generated__/operations.js';
import { client } from '../api/client.js';
import { useMessages } from '../messages/index.js';
import { queryOf, type SearchState, writeState } from '../search/search-state.js';
import { Section } from '../ui/section.js';

interface WhyProps {
  readonly item: string;
  readonly search: SearchState;
}

/** Why the search found the item: the evidence, and the classes and training pairs that are close to both. */
export function Why({ item, search }: WhyProps) {
  const t = useMessages();
  const { data } = useQuery({
    queryKey: ['why', item, writeState(search)],
    queryFn: async ({ signal }) => {
      const by = search.evidence ? [search.evidence] : undefined;
      const variables = { query: queryOf(search), ids: [item], ...(by && { by }) };
      return (await client.execute(WhyDocument, variables, { signal })).crossModalSearch.edges[0] ?? null;
    },
  });
  if (data == null) return null;
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const { evidence, explanation } = data;
  return (
    <Section className="why" title={t.item.why}>
      <ul className="evidence">
        {evidence.map((each) => (
          <li key={each.evidence}>
            <strong>{t.search.evidences[each.evidence]}</strong>{' '}
            <span className="faint">{t.item.evidence(number.format(each.similarity), each.rank)}</span>
          </li>
        ))}
      </ul>
      {explanation && (
        <>
          <h3>{t.item.closeClasses}</h3>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.item.class}</th>
                <th scope="col">{t.item.toSearch}</th>
                <th scope="col">{t.item.toItem}</th>
              </tr>
            </thead>
            <tbody>
              {explanation.classes.map((each) => (
                <tr key={each.class.id}>
                  <th scope="row">{each.class.name}</th>
                  <td>
                    <Bar value={each.querySimilarity} text={number.format(each.querySimilarity)} />
                  </td>
                  <td>
                    <Bar value={each.itemSimilarity} text={number.format(each.itemSimilarity)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <h3>{t.item.closePairs}</h3>
          <ul className="pairs">
            {explanation.pairs.map(({ image, text, querySimilarity, itemSimilarity }) => (
              <li key={`${image.id}-${text.id}`}>
                <Link href={`/items/${image.id}`}>
                  <img src={image.small} alt={image.title ?? t.common.image} loading="lazy" />
                </Link>
                <Link href={`/items/${text.id}`}>{text.text}</Link>
                <span className="faint">
                  {t.item.pairSimilarities(number.format(querySimilarity), number.format(itemSimilarity))}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}

/** A similarity as a bar: empty at 0 and below, full at 1. */
function Bar({ value, text }: { readonly value: number; readonly text: string }) {
  return (
    <span className="bar">
      <meter min={0} max={1} value={Math.max(0, value)} aria-label={text} />
      {text}
    </span>
  );
}
