import type { MapPoint } from '../../evaluation/space/space-details.js';
import { html, type Markup } from '../markup.js';
import { type Frame, linear, round, svg } from './axes.js';

const FRAME: Frame = { width: 460, height: 460, left: 14, right: 14, top: 14, bottom: 14 };
/** Height of a label and approximate width of a character. */
const NAME_HEIGHT = 16;
const LETTER_WIDTH = 7;

export interface MapChart {
  readonly title: string;
  readonly points: readonly MapPoint[];
  /** The coordinates of a point in any unit; null if it is not drawn. */
  readonly coordinates: (point: MapPoint) => readonly [x: number, y: number] | null;
  /** The style of a class: `c0`, `c1` … or `rest`. */
  readonly styleOf: (className: string | null) => string;
  /** The name of a class in tooltips. */
  readonly nameOf: (className: string | null) => string;
  /** Classes with a label where most of their points are. */
  readonly named: readonly string[];
}

/** A scatter plot: circles are images, triangles are texts, and colours are classes. */
export function mapChart(chart: MapChart): Markup {
  const placed = chart.points.flatMap((point) => {
    const at = chart.coordinates(point);
    return at === null ? [] : [{ point, at }];
  });
  const toPaper = paperScale(placed.map(({ at }) => at));
  // Points without a class colour are drawn first, below the others.
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

/** Short markup, because a report has thousands of points. */
function use({ modality, row, pair }: MapPoint, [x, y]: Point): Markup {
  const at = html`href="#${modality === 'IMAGE' ? 'dot' : 'tri'}" x="${tenth(x)}" y="${tenth(y)}" data-r="${row}"`;
  return pair === null ? html`<use ${at}/>` : html`<use ${at} data-p="${pair}"/>`;
}

const tenth = (x: number) => Math.round(x * 10) / 10;

/** The shapes that maps refer to. A document includes them once. */
export const MAP_SHAPES = html`<svg width="0" height="0" class="shapes" aria-hidden="true"><defs><circle id="dot" r="3.4"/><path id="tri" d="M0-4.6 4.1 3-4.1 3Z"/></defs></svg>`;

const rank = (style: string) => (style === 'rest' ? 0 : 1);

type Point = readonly [x: number, y: number];

/** One scale for both axes, so that distances are not distorted. */
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

/** Labels at the densest point of each class, moved down if they overlap another label. */
function names(
  chart: MapChart,
  placed: readonly { readonly point: MapPoint; readonly at: Point }[],
  toPaper: (point: Point) => Point,
): Markup[] {
  const wanted = chart.named
    .flatMap((name) => {
      const own = placed.filter(({ point }) => point.class === name).map(({ at }) => toPaper(at));
      const at = densest(own);
      return at === undefined ? [] : [{ name, x: at[0], y: at[1] }];
    })
    .sort((a, b) => a.y - b.y);
  const set: { readonly name: string; readonly x: number; readonly y: number }[] = [];
  return wanted.map(({ name, x: centre, y: at }) => {
    const half = (LETTER_WIDTH * name.length) / 2;
    const x = round(Math.min(FRAME.width - half, Math.max(half, centre)));
    const overlapping = (y: number) =>
      set.find(
        (other) =>
          Math.abs(other.x - x) < half + (LETTER_WIDTH * other.name.length) / 2 &&
          Math.abs(other.y - y) < NAME_HEIGHT,
      );
    let y = at;
    for (let other = overlapping(y); other !== undefined; other = overlapping(y))
      y = other.y + NAME_HEIGHT + 0.5;
    set.push({ name, x, y });
    return html`<text class="${chart.styleOf(name)}" x="${x}" y="${round(y + 4)}" text-anchor="middle" data-class="${name}">${name}</text>`;
  });
}

/** The neighbour whose distance measures density. A small class uses a third of its points. */
const NEIGHBOURS = 10;

/** The point with the smallest distance to that neighbour. */
function densest(points: readonly Point[]): Point | undefined {
  const reach = points.map(([x, y]) => {
    const distances = points.map(([u, v]) => Math.hypot(x - u, y - v)).sort((a, b) => a - b);
    return distances[Math.min(NEIGHBOURS, Math.floor(distances.length / 3))] as number;
  });
  return points[reach.indexOf(Math.min(...reach))];
}
