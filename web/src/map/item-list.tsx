import { Link } from 'wouter';
import type { TileFragment } from '../__generated__/operations.js';
import { useMessages } from '../messages/index.js';

interface ItemListProps {
  readonly label: string;
  readonly items: readonly { readonly item: TileFragment; readonly similarity: number | null }[];
  /** Shows where an item is on the map; null: no longer. */
  readonly onShow: (id: string | null) => void;
}

/** Items of the map as a list of links. */
export function ItemList({ label, items, onShow }: ItemListProps) {
  const t = useMessages();
  const number = new Intl.NumberFormat(t.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return (
    <ul className="map-list" aria-label={label}>
      {items.map(({ item, similarity }) => (
        <li key={item.id}>
          <Link
            href={`/items/${item.id}`}
            onPointerEnter={() => onShow(item.id)}
            onPointerLeave={() => onShow(null)}
            onFocus={() => onShow(item.id)}
            onBlur={() => onShow(null)}
          >
            <MapItem item={item} />
            {similarity !== null && (
              <span className="faint" title={t.search.similarity(number.format(similarity))}>
                {number.format(similarity)}
              </span>
            )}
          </Link>
        </li>
      ))}
    </ul>
  );
}

/** A picture or a text in small. */
export function MapItem({ item }: { readonly item: TileFragment }) {
  const t = useMessages();
  const classes = item.classes.map(({ name }) => name).join(', ');
  return (
    <>
      {item.__typename === 'ImageItem' ? (
        <img src={item.small} alt={item.title ?? t.common.image} loading="lazy" />
      ) : (
        <span className="map-kind" aria-hidden>
          {t.map.textSign}
        </span>
      )}
      <span className="map-words">
        <span>{item.__typename === 'TextItem' ? item.text : (item.title ?? t.common.image)}</span>
        {classes !== '' && <span className="faint">{classes}</span>}
      </span>
    </>
  );
}
