import { Check, Minus, Plus } from 'lucide-react';
import { memo, useState } from 'react';
import { Link } from 'wouter';
import { useMessages } from '../messages/index.js';
import { dateFormat, numberFormat } from '../ui/formats.js';
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
  readonly onToggle: (id: string) => void;
  /** Searches for more (1) or less (−1) of its kind. */
  readonly onLike: (id: string, weight: 1 | -1) => void;
}

/** How long a pointer rests on a tile before what belongs to it is fetched. */
const HOVER_MS = 300;

/** Without hovering, all tiles have their buttons; else only those where the pointer or the keyboard is: they are half of a tile. */
const HAS_HOVER = matchMedia('(hover: hover)').matches;

/** A picture or a text among the results. It renders again only if its properties change: scrolling moves many of them. */
export const Tile = memo(function Tile(props: TileProps) {
  const { found, probability, active, selected, href, onToggle, onLike } = props;
  const t = useMessages();
  const { item, score } = found;
  const [entered, setEntered] = useState(false);
  const [hovered, setHovered] = useState(false);
  const [timer, setTimer] = useState<ReturnType<typeof setTimeout> | null>(null);
  const name = item.title ?? (item.__typename === 'TextItem' ? item.text : t.common.image);
  const tab = active ? 0 : -1;
  const stop = () => {
    if (timer !== null) clearTimeout(timer);
    setEntered(false);
    setHovered(false);
  };
  return (
    <article
      className={`tile ${item.__typename === 'ImageItem' ? 'picture' : 'words'} ${selected ? 'selected' : ''}`}
      onPointerEnter={(event) => {
        setEntered(true);
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
            <time dateTime={item.createdAt}>{dateFormat(t.locale).format(new Date(item.createdAt))}</time>
            {score !== null && <Score score={score} probability={probability} />}
          </span>
        </span>
      </Link>
      {(entered || active || selected || !HAS_HOVER) && (
        <Actions id={item.id} name={name} tab={tab} selected={selected} onToggle={onToggle} onLike={onLike} />
      )}
      {hovered && <Counterparts id={item.id} />}
    </article>
  );
});

type ActionsProps = Pick<TileProps, 'selected' | 'onToggle' | 'onLike'> & {
  readonly id: string;
  readonly name: string;
  readonly tab: 0 | -1;
};

function Actions({ id, name, tab, selected, onToggle, onLike }: ActionsProps) {
  const t = useMessages();
  const actions = [
    { label: t.search.select, icon: Check, pressed: selected, act: () => onToggle(id) },
    { label: t.search.moreLike, icon: Plus, act: () => onLike(id, 1) },
    { label: t.search.lessLike, icon: Minus, act: () => onLike(id, -1) },
  ];
  return (
    <div className="tile-actions">
      {actions.map(({ label, icon: Icon, pressed, act }) => (
        <button
          key={label}
          type="button"
          className="icon"
          tabIndex={tab}
          aria-pressed={pressed}
          aria-label={`${label}: ${name}`}
          title={label}
          onClick={act}
        >
          <Icon aria-hidden size={16} />
        </button>
      ))}
    </div>
  );
}

function Score({ score, probability }: { readonly score: number; readonly probability: boolean }) {
  const t = useMessages();
  const text = probability
    ? numberFormat(t.locale, { style: 'percent', maximumFractionDigits: score < 0.1 ? 1 : 0 }).format(score)
    : numberFormat(t.locale, { maximumFractionDigits: 2 }).format(score);
  return <span title={probability ? t.search.probability(text) : t.search.similarity(text)}>{text}</span>;
}
