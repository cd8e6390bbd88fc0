import { ticks } from 'd3-array';
import { html, type Markup } from '../markup.js';
import { axes, type Frame, niceRange, pathThrough, type Range, SMALL, svg, xScale, yScale } from './axes.js';

export interface Line {
  /** The tooltip of the line. */
  readonly label: string;
  /** A class of the style sheet that gives colour and dashes. */
  readonly style: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly description: string;
  readonly xName: string;
  readonly yName?: string;
  readonly lines: readonly Line[];
  /** SMALL by default. */
  readonly frame?: Frame;
  /** The range of the values by default. */
  readonly xRange?: Range;
  readonly yRange?: Range;
  /** Ticks at whole numbers only, for example epochs. */
  readonly wholeX?: boolean;
  /** Horizontal reference lines with labels. */
  readonly references?: readonly { readonly at: number; readonly label: string }[];
  /** Marked points, for example the selected epoch. */
  readonly marks?: readonly { readonly x: number; readonly y: number; readonly label: string }[];
}

export function lineChart(chart: LineChart): Markup {
  const { lines, references = [], marks = [], frame = SMALL } = chart;
  const points = lines.flatMap((line) => line.points);
  const xRange = chart.xRange ?? widened(points.map(([x]) => x));
  const yRange =
    chart.yRange ?? niceRange([...points.map(([, y]) => y), ...references.map(({ at }) => at)], 4);
  const x = xScale(frame, xRange);
  const y = yScale(frame, yRange);
  const xTicks = ticks(...xRange, 5).filter((tick) => !chart.wholeX || Number.isInteger(tick));
  const names = { xName: chart.xName, ...(chart.yName !== undefined && { yName: chart.yName }) };
  return svg(
    frame,
    chart.title,
    chart.description,
    axes({ frame, x, y, xTicks, yTicks: ticks(...yRange, 4), ...names }),
    html`${references.map(
      ({ at, label }) =>
        html`<path class="reference" d="M${frame.left} ${y(at)}H${frame.width - frame.right}"/><text class="reference-name" x="${frame.width - frame.right}" y="${y(at) - 4}" text-anchor="end">${label}</text>`,
    )}`,
    html`${lines.map(
      (line) =>
        html`<path class="line ${line.style}" d="${pathThrough(line.points.map(([px, py]) => [x(px), y(py)]))}" data-tip="${line.label}"/>`,
    )}`,
    html`${marks.map(
      (mark) =>
        html`<circle class="mark" cx="${x(mark.x)}" cy="${y(mark.y)}" r="4" data-tip="${mark.label}"/>`,
    )}`,
  );
}

function widened(values: readonly number[]): Range {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}
