import 'uplot/dist/uPlot.min.css';
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import uPlot from 'uplot';
import { useTheme } from '../shell/theme.js';
import { useFormats } from './formats.js';

export interface Series {
  readonly name: string;
  /** As many as `x`; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  readonly x: readonly number[];
  readonly xName: string;
  readonly series: readonly Series[];
  readonly height?: number;
  /** The limits of the vertical axis; those of the values by default. */
  readonly range?: readonly [low: number, high: number];
  /** Charts of one group show the same x under the pointer. */
  readonly group?: string;
}

/** Colours with dashes, so that lines differ for those who do not tell the colours apart. */
const LINES = [
  ['--accent-text', []],
  ['--chart-2', [8, 4]],
  ['--chart-3', [2, 3]],
  ['--chart-4', [10, 3, 2, 3]],
  ['--chart-5', [5, 5]],
  ['--faint', [1, 4]],
] as const;

const HEIGHT = 150;

/** Lines over one axis. The figure under the pointer, else the last one, stands beside the title of each line. */
export function Chart({ title, x, xName, series, height = HEIGHT, range, group }: ChartProps) {
  const format = useFormats();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const scheme = useScheme();
  const names = series.map(({ name }) => name).join('\n');
  const [low, high] = range ?? [null, null];
  // biome-ignore lint/correctness/useExhaustiveDependencies: The plot is made again for other lines and colours; its data is set below.
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const colour = colourReader(element);
    const axis = {
      stroke: colour('--faint'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: {
          y: false,
          drag: { x: false, y: false },
          ...(group !== undefined && { sync: { key: group } }),
        },
        scales: { x: { time: false }, ...(low !== null && high !== null && { y: { range: [low, high] } }) },
        axes: [
          {
            ...axis,
            size: 26,
            values: (_, ticks) =>
              ticks.map((tick) => (tick % 1 === 0 || low !== null ? format.short(tick) : '')),
          },
          { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => format.short(tick)) },
        ],
        series: [
          {},
          ...series.map(({ name }, i) => {
            const [name_, dash] = LINES[i % LINES.length] ?? LINES[0];
            return {
              label: name,
              stroke: colour(name_),
              width: 2,
              dash: [...dash],
              points: { show: x.length < 3 },
            };
          }),
        ],
        hooks: { setCursor: [(u) => setAt(u.cursor.idx ?? null)] },
      },
      dataOf(x, series),
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [names, scheme, height, low, high, group]);
  useEffect(() => plot.current?.setData(dataOf(x, series)), [x, series]);
  // Without a pointer, the last value that there is.
  const last = x.findLastIndex((_, i) => series.some(({ values }) => values[i] != null));
  const shown = at === null || at >= x.length ? last : at;
  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-title">{title}</span>
        <ul>
          {series.map(({ name, values }, i) => (
            <li key={name}>
              {series.length > 1 && <Sample line={i} />}
              {series.length > 1 && <span>{name}</span>}
              <output className="value">{format.short(values[shown] ?? null)}</output>
            </li>
          ))}
          <li className="faint">{`${xName} ${format.short(x[shown] ?? null)}`}</li>
        </ul>
      </figcaption>
      <div ref={frame} aria-hidden className="chart-frame" style={{ height }} />
    </figure>
  );
}

function Sample({ line }: { readonly line: number }) {
  const [name, dash] = LINES[line % LINES.length] ?? LINES[0];
  return (
    <svg aria-hidden width="26" height="8">
      <line
        x1="0"
        x2="26"
        y1="4"
        y2="4"
        stroke={`var(${name})`}
        strokeWidth="2"
        strokeDasharray={dash.join(' ')}
      />
    </svg>
  );
}

function dataOf(x: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...x], ...series.map(({ values }) => [...values])];
}

/** A canvas takes no custom property: the browser resolves it on an element. */
function colourReader(element: HTMLElement): (property: string) => string {
  return (property) => {
    element.style.color = `var(${property})`;
    const { color } = getComputedStyle(element);
    element.style.color = '';
    return color;
  };
}

const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** Changes with the colours of the page. */
function useScheme(): string {
  const theme = useTheme();
  const system = useSyncExternalStore(
    (listener) => {
      dark.addEventListener('change', listener);
      return () => dark.removeEventListener('change', listener);
    },
    () => dark.matches,
  );
  return `${theme} ${system}`;
}
