import {
  type KeyboardEvent,
  type ReactNode,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { heightOf, justify, neighbour, rowAt } from './justified.js';

/** Pixels above and below the window in which tiles are rendered already. */
const OVERSCAN = 600;
/** What is in the window is known in steps of so many pixels: scrolling by less renders nothing. */
const STEP = 200;
/** Pixels before the end at which more tiles are asked for. */
const AHEAD = 2_000;
const GAP = 12;
/** Height of the line below a picture; search.css has it too. */
const FOOT = 30;
/** Narrower tiles, in pixels, have no room for all facts. A container query would lay out each tile twice. */
const NARROW = 230;

export interface TileGridProps {
  readonly label: string;
  readonly ids: readonly string[];
  /** Width divided by height, of each tile. */
  readonly ratios: readonly number[];
  /** Whether no tile follows these. */
  readonly complete: boolean;
  /** The height of the pictures of a row that is aimed at, in pixels. */
  readonly rowHeight: number;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (ids: ReadonlySet<string>) => void;
  /** Opens a tile by its index. */
  readonly onOpen: (index: number) => void;
  /** The end is near, or everything fits. */
  readonly onEnd: () => void;
  /** A tile; `active` if the keyboard is at it. */
  readonly children: (index: number, active: boolean) => ReactNode;
}

/**
 * A grid of tiles in justified rows, of which only those near the window are in the document. Arrows move, Enter opens, the space bar selects,
 * and Shift selects a range.
 */
export function TileGrid(props: TileGridProps) {
  const { label, ids, ratios, complete, rowHeight, selected, onSelect, onOpen, onEnd, children } = props;
  const root = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [view, setView] = useState({ from: 0, to: 1_000 });
  const [active, setActive] = useState(0);
  const [hasFocus, setHasFocus] = useState(false);
  /** Where a range of a selection begins. */
  const anchor = useRef(0);
  const focusNext = useRef(false);

  const rows = useMemo(
    () =>
      width > 0
        ? justify(ratios, { width, wanted: Math.min(rowHeight, width), gap: GAP, complete, foot: FOOT })
        : [],
    [ratios, width, rowHeight, complete],
  );
  const height = heightOf(rows);

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = root.current?.getBoundingClientRect().top ?? 0;
      const from = Math.floor((-top - OVERSCAN) / STEP) * STEP;
      const to = Math.ceil((-top + window.innerHeight + OVERSCAN) / STEP) * STEP;
      setView((old) => (old.from === from && old.to === to ? old : { from, to }));
    };
    const later = () => {
      frame ||= requestAnimationFrame(look);
    };
    look();
    window.addEventListener('scroll', later, { passive: true });
    window.addEventListener('resize', later);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('scroll', later);
      window.removeEventListener('resize', later);
    };
  }, []);

  const ended = width > 0 && view.to + AHEAD >= height;
  useEffect(() => {
    if (ended) onEnd();
  }, [ended, onEnd]);

  useEffect(() => {
    if (!focusNext.current) return;
    focusNext.current = false;
    const cell = root.current?.querySelector<HTMLElement>(`[data-index="${active}"] a`);
    cell?.focus({ preventScroll: true });
    cell?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  /** Tiles that have a place. */
  const count = (rows.at(-1)?.places.at(-1)?.index ?? -1) + 1;
  // Without the focus it is a tile of the window: the Tab key scrolls to nowhere else.
  const visible = rows[rowAt(rows, view.from + OVERSCAN + STEP)]?.places[0]?.index ?? 0;
  const current = Math.min(hasFocus ? active : visible, Math.max(0, count - 1));
  const go = (index: number | null) => {
    if (index === null || index < 0 || index >= count) return;
    focusNext.current = true;
    setActive(index);
  };
  const select = (to: number, range: boolean) => {
    if (!range) anchor.current = to;
    const [low, high] = [Math.min(anchor.current, to), Math.max(anchor.current, to)];
    const next = new Set(selected);
    const id = ids[to];
    if (range) for (const each of ids.slice(low, high + 1)) next.add(each);
    else if (id !== undefined && !next.delete(id)) next.add(id);
    onSelect(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.altKey || (event.target as HTMLElement).closest('button, input')) return;
    const moves: Record<string, () => number | null> = {
      ArrowRight: () => current + 1,
      ArrowLeft: () => current - 1,
      ArrowDown: () => neighbour(rows, current, 1),
      ArrowUp: () => neighbour(rows, current, -1),
      Home: () => 0,
      End: () => count - 1,
    };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      const to = move();
      if (event.shiftKey && to !== null && to >= 0 && to < count) {
        if (selected.size === 0) anchor.current = current;
        select(to, true);
      }
      return go(to);
    }
    if (event.key === ' ') {
      event.preventDefault();
      select(current, event.shiftKey);
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSelect(new Set(ids));
    } else if (event.key === 'Escape' && selected.size > 0) {
      event.stopPropagation();
      onSelect(new Set());
    } else if (event.key === 'Enter') {
      event.preventDefault();
      onOpen(current);
    }
  };

  // Tiles are rendered in steps that an input can interrupt.
  const near = useDeferredValue(view);
  const first = rowAt(rows, near.from);
  const last = rowAt(rows, near.to);
  // The row with the focus stays in the document, so that the focus is not lost by scrolling.
  const focused = rows.findIndex(({ places }) => places.some(({ index }) => index === current));
  const shown = rows.flatMap((row, at) =>
    (at >= first && at <= last) || at === focused ? [{ row, at }] : [],
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table cannot have tiles of different widths
    <div
      ref={root}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length}
      aria-multiselectable
      className="tile-grid"
      style={{ height }}
      onKeyDown={onKeyDown}
      onBlur={({ currentTarget, relatedTarget }) => setHasFocus(currentTarget.contains(relatedTarget))}
    >
      {shown.map(({ row, at }) => (
        // biome-ignore lint/a11y/useSemanticElements: see above
        // biome-ignore lint/a11y/useFocusableInteractive: the link of the tile has the focus
        <div key={row.places[0]?.index} role="row" aria-rowindex={at + 1} className="tile-row">
          {row.places.map(({ index, left, width: wide }) => {
            const id = ids[index] ?? '';
            return (
              // biome-ignore lint/a11y/useSemanticElements: see above
              // biome-ignore lint/a11y/useFocusableInteractive: see above
              <div
                key={id}
                role="gridcell"
                aria-selected={selected.has(id)}
                data-index={index}
                className={wide < NARROW ? 'tile-cell narrow' : 'tile-cell'}
                style={{ left, top: row.top, width: wide, height: row.height }}
                onFocus={() => {
                  setActive(index);
                  setHasFocus(true);
                }}
                onClickCapture={(event) => {
                  if (!event.shiftKey && !event.ctrlKey && !event.metaKey) return;
                  event.preventDefault();
                  event.stopPropagation();
                  select(index, event.shiftKey);
                }}
              >
                {children(index, index === current)}
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}
