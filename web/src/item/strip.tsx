import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import type { Found } from '../search/use-search.js';

/** Items beside each other, smaller than results. */
export function Strip({ items }: { readonly items: readonly Found[] }) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return (
    <ul className="strip">
      {items.map(({ item, score }) => (
        <li key={item.id}>
          <Link href={`/items/${item.id}`} title={item.title ?? undefined}>
            {item.__typename === 'ImageItem' ? (
              <img
                src={item.small}
                alt={item.title ?? t.common.image}
                // Its place is kept before it is loaded.
                width={item.width}
                height={item.height}
                loading="lazy"
              />
            ) : (
              <span className="strip-text">{item.text}</span>
            )}
            {score !== null && (
              <span className="faint" title={t.search.similarity(number.format(score))}>
                {number.format(score)}
              </span>
            )}
          </Link>
        </li>
      ))}
    </ul>
  );
}
