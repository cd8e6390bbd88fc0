import { Check, Minus, Plus } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import { Counterparts } from './counterparts.js';
import type { Found } from './use-search.js';

interface TileProps {
  readonly found: Found;
  /** Whether the score is a probability: several kinds of evidence were fused. */
  readonly probability: boolean;
  /** Whether the keyboard is at this tile. */
  readonly active: boolean;
  readonly selected: boolean;
  /** Where it opens, with the search that it was found by. */
  readonly href: string;
  readonly onSelect: () => void;
  /** Searches for more (1) or less (−1) of its kind. */
  readonly onLike: (weight: 1 | -1) => void;
}

/** How long a pointer rests on a tile before what belongs to it is fetched. */
const HOVER_MS = 300;

/** A picture or a text among the results. */
export function Tile({ found, probability, active, selected, href, onSelect, onLike }: TileProps) {
  const t = useMessages();
  const { item, score } = found;
  const [hovered, setHovered] = useState(false);
  const [timer, setTimer] = useState<ReturnType<typeof setTimeout> | null>(null);
  const name = item.title ?? (item.__typename === 'TextItem' ? item.text : t.common.image);
  const tab = active ? 0 : -1;
  const stop = () => {
    if (timer !== null) clearTimeout(timer);
    setHovered(false);
  };
  return (
    <article
      className={`tile ${item.__typename === 'ImageItem' ? 'picture' : 'words'} ${selected ? 'selected' : ''}`}
      onPointerEnter={(event) => {
        if (event.pointerType === 'mouse') setTimer(setTimeout(() => setHovered(true), HOVER_MS));
      }}
      onPointerLeave={stop}
    >
      <Link href={href} tabIndex={tab} className="tile-link">
        {item.__typename === 'ImageItem' ? (
          <img
            alt={name}
            src={item.small}
            srcSet={`${item.small} 256w, ${item.large} 512w`}
            sizes="320px"
            loading="lazy"
            decoding="async"
          />
        ) : (
          <span className="tile-text">{item.text}</span>
        )}
        <span className="tile-foot">
          <span className="tile-classes">
            {item.classes.map((each) => each.name).join(', ') || item.title}
          </span>
          <span className="tile-facts">
            <time dateTime={item.createdAt}>{new Date(item.createdAt).toLocaleDateString(t.locale)}</time>
            {score !== null && <Score score={score} probability={probability} />}
          </span>
        </span>
      </Link>
      <div className="tile-actions">
        <button
          type="button"
          className="icon"
          tabIndex={tab}
          aria-pressed={selected}
          aria-label={`${t.search.select}: ${name}`}
          title={t.search.select}
          onClick={onSelect}
        >
          <Check aria-hidden size={16} />
        </button>
        <button
          type="button"
          className="icon"
          tabIndex={tab}
          aria-label={`${t.search.moreLike}: ${name}`}
          title={t.search.moreLike}
          onClick={() => onLike(1)}
        >
          <Plus aria-hidden size={16} />
        </button>
        <button
          type="button"
          className="icon"
          tabIndex={tab}
          aria-label={`${t.search.lessLike}: ${name}`}
          title={t.search.lessLike}
          onClick={() => onLike(-1)}
        >
          <Minus aria-hidden size={16} />
        </button>
      </div>
      {hovered && <Counterparts id={item.id} />}
    </article>
  );
}

function Score({ score, probability }: { readonly score: number; readonly probability: boolean }) {
  const t = useMessages();
  const text = probability
    ? new Intl.NumberFormat(t.locale, {
        style: 'percent',
        maximumFractionDigits: score < 0.1 ? 1 : 0,
      }).format(score)
    : new Intl.NumberFormat(t.locale, { maximumFractionDigits: 2 }).format(score);
  return <span title={probability ? t.search.probability(text) : t.search.similarity(text)}>{text}</span>;
}
