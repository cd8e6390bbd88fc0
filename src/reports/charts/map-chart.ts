import type { MapPoint } from '../../evaluation/space/space-details.js';
import { html, type Markup } from '../markup.js';
import { type Frame, linear, round, svg } from './axes.js';

const FRAME: Frame = { width: 460, height: 460, left: 14, right: 14, top: 14, bottom: 14 };
/** A name's line on the map, and about how wide a letter is. */
const NAME_HEIGHT = 16;
const LETTER_WIDTH = 7;

export interface MapChart {
  readonly title: string;
  readonly points: readonly MapPoint[];
  /** Where a point stands, in any units. */
  readonly place: (point: MapPoint) => readonly [x: number, y: number] | null;
  /** The style of a class: `c0`, `c1` … or `rest`. */
  readonly styleOf: (className: string | null) => string;
  /** What a class is called where a point is named. */
  readonly nameOf: (className: string | null) => string;
  /** Classes whose names are written where most of their points are. */
  readonly named: readonly string[];
}

/** Circles are images, triangles texts. Colours are of classes; the named ones have their name at their middle too. */
export function mapChart(chart: MapChart): Markup {
  const placed = chart.points.flatMap((point) => {
    const at = chart.place(point);
    return at === null ? [] : [{ point, at }];
  });
  const toPaper = paperScale(placed.map(({ at }) => at));
  // Those of no colour first: the others stand on top.
  const classes = [...new Set(placed.map(({ point }) => point.class))].toSorted(
    (x, y) => rank(chart.styleOf(x)) - rank(chart.styleOf(y)),
  );
  return svg(
    FRAME,
    chart.title,
    `${placed.length} points; circles are images, triangles are texts`,
    html`<g class="points">${classes.map(
      (name) =>
        html`<g class="${chart.styleOf(name)}" data-class="${name ?? ''}" data-name="${chart.nameOf(name)}">${placed
          .filter(({ point }) => point.class === name)
          .map(({ point, at }) => use(point, toPaper(at)))}</g>`,
    )}</g>`,
    html`<g class="names" aria-hidden="true">${names(chart, placed, toPaper)}</g>`,
  );
}

/** As short as can be: there are thousands in a report. */
function use({ modality, row, pair }: MapPoint, [x, y]: Point): Markup {
  const at = html`href="#${modality === 'IMAGE' ? 'dot' : 'tri'}" x="${tenth(x)}" y="${tenth(y)}" data-r="${row}"`;
  return pair === null ? html`<use ${at}/>` : html`<use ${at} data-p="${pair}"/>`;
}

const tenth = (x: number) => Math.round(x * 10) / 10;

/** The shapes that maps use; once in a document. */
export const MAP_SHAPES = html`<svg width="0" height="0" class="shapes" aria-hidden="true"><defs><circle id="dot" r="3.4"/><path id="tri" d="M0-4.6 4.1 3-4.1 3Z"/></defs></svg>`;

const rank = (style: string) => (style === 'rest' ? 0 : 1);

type Point = readonly [x: number, y: number];

/** One scale for both directions, so that distances are true. */
function paperScale(points: readonly Point[]): (point: Point) => Point {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const half = Math.max(right - left, high - low) / 2 || 1;
  const middle = [(left + right) / 2, (low + high) / 2] as const;
  const x = linear([middle[0] - half, middle[0] + half], [FRAME.left, FRAME.width - FRAME.right]);
  const y = linear([middle[1] - half, middle[1] + half], [FRAME.height - FRAME.bottom, FRAME.top]);
  return (point) => [x(point[0]), y(point[1])];
}

/** In the thick of a class's points, moved down where another name is in the way. */
function names(
  chart: MapChart,
  placed: readonly { readonly point: MapPoint; readonly at: Point }[],
  toPaper: (point: Point) => Point,
): Markup[] {
  const wanted = chart.named
    .flatMap((name) => {
      const own = placed.filter(({ point }) => point.class === name).map(({ at }) => toPaper(at));
      const at = thickest(own);
      return at === undefined ? [] : [{ name, x: at[0], y: at[1] }];
    })
    .sort((a, b) => a.y - b.y);
  const set: { readonly name: string; readonly x: number; readonly y: number }[] = [];
  return wanted.map(({ name, x: thick, y: at }) => {
    const half = (LETTER_WIDTH * name.length) / 2;
    const x = round(Math.min(FRAME.width - half, Math.max(half, thick)));
    const inTheWay = (y: number) =>
      set.find(
        (other) =>
          Math.abs(other.x - x) < half + (LETTER_WIDTH * other.name.length) / 2 &&
          Math.abs(other.y - y) < NAME_HEIGHT,
      );
    let y = at;
    for (let other = inTheWay(y); other !== undefined; other = inTheWay(y)) y = other.y + NAME_HEIGHT + 0.5;
    set.push({ name, x, y });
    return html`<text class="${chart.styleOf(name)}" x="${x}" y="${round(y + 4)}" text-anchor="middle" data-class="${name}">${name}</text>`;
  });
}

/** Neighbours that must be near for a place to be in the thick of things; of a small class, a third of it. */
const NEIGHBOURS = 10;

/** The point that has so many fellows within the smallest reach. */
function thickest(points: readonly Point[]): Point | undefined {
  const reach = points.map(([x, y]) => {
    const distances = points.map(([u, v]) => Math.hypot(x - u, y - v)).sort((a, b) => a - b);
    return distances[Math.min(NEIGHBOURS, Math.floor(distances.length / 3))] as number;
  });
  return points[reach.indexOf(Math.min(...reach))];
}
