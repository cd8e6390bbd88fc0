import { ticks } from 'd3-array';
import { figure, html, type Markup } from '../markup.js';
import { axes, type Frame, niceRange, svg, xScale } from './axes.js';

export interface Dot {
  readonly label: string;
  /** A class of the style sheet. */
  readonly style: string;
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

const ROW = 30;

/** The value of each method as a dot with its interval, on one scale, in the given order. */
export function dotPlot(title: string, xName: string, dots: readonly Dot[]): Markup {
  const frame: Frame = {
    width: 420,
    height: dots.length * ROW + 46,
    left: 132,
    right: 52,
    top: 6,
    bottom: 34,
  };
  const range = niceRange(
    [0, ...dots.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value])],
    4,
  );
  const x = xScale(frame, range);
  const xTicks = ticks(...range, 4);
  const lines = dots.map(({ label, style, value, low, high }, i) => {
    const y = frame.top + (i + 0.5) * ROW;
    const interval = low !== null && high !== null;
    const tip = `${label}: ${figure(value)}${interval ? `, 95 % interval ${figure(low)} to ${figure(high)}` : ''}`;
    return html`<g class="dot ${style}" data-tip="${tip}"><path class="track" d="M${frame.left} ${y}H${frame.width - frame.right}"/>
<text class="dot-name" x="${frame.left - 10}" y="${y + 4}" text-anchor="end">${label}</text>
${interval && html`<path class="whisker" d="M${x(low)} ${y}H${x(high)}M${x(low)} ${y - 4}v8M${x(high)} ${y - 4}v8"/>`}
<circle cx="${x(value)}" cy="${y}" r="5"/><text class="dot-value" x="${frame.width - frame.right + 8}" y="${y + 4}">${figure(value)}</text></g>`;
  });
  const said = dots.map(({ label, value }) => `${label} ${figure(value)}`).join(', ');
  return svg(frame, title, said, axes({ frame, x, y: () => 0, xTicks, yTicks: [], xName }), html`${lines}`);
}
