import { ticks } from 'd3-array';
import type { SimilarityGroup } from '../../evaluation/space/space-details.js';
import { figure, html, type Markup } from '../markup.js';
import { axes, niceRange, type Range, round, type Scale, svg, WIDE, xScale, yScale } from './axes.js';

/** Bins of the record that are merged into one bin of the chart, for a smoother outline. */
const MERGED = 2;

/** The share of each group's similarities in each bin, so that groups of different sizes are comparable. */
export function histogramChart(
  title: string,
  edges: readonly number[],
  groups: readonly SimilarityGroup[],
  names: Readonly<Record<SimilarityGroup['kind'], string>>,
): Markup {
  const filled = groups
    .filter(({ total }) => total > 0)
    .map((group) => ({ ...group, shares: shares(group) }));
  const used = usedRange(
    edges,
    filled.map(({ shares }) => shares),
  );
  const x = xScale(WIDE, used);
  const yRange: Range = [0, niceRange([0, ...filled.flatMap(({ shares }) => shares)], 4)[1]];
  const y = yScale(WIDE, yRange);
  const width = MERGED * ((edges[1] as number) - (edges[0] as number));
  return svg(
    WIDE,
    title,
    filled.map(({ kind, mean }) => `${names[kind]}: mean ${figure(mean)}`).join('; '),
    axes({
      frame: WIDE,
      x,
      y,
      xTicks: ticks(...used, 6),
      yTicks: ticks(...yRange, 4),
      xName: 'cosine similarity',
      yName: 'share',
    }),
    html`${filled.map(
      ({ kind, shares }) =>
        html`<path class="area ${kind}" d="${steps(shares, edges[0] as number, width, used, x, y)}"/>`,
    )}`,
    html`${filled.map(
      ({ kind, mean, total }) =>
        mean !== null &&
        html`<path class="mean ${kind}" d="M${x(mean)} ${y(0)}V${WIDE.top}" data-tip="${names[kind]}: mean ${figure(mean)} of ${total}"/>`,
    )}`,
  );
}

function shares({ counts, total }: SimilarityGroup): number[] {
  return Array.from({ length: Math.ceil(counts.length / MERGED) }, (_, i) => {
    const bins = counts.slice(i * MERGED, (i + 1) * MERGED);
    return bins.reduce((sum, x) => sum + x, 0) / total;
  });
}

/** From the first to the last bin with a visible share. */
function usedRange(edges: readonly number[], all: readonly (readonly number[])[]): Range {
  const seen = (bin: number) => all.some((of) => (of[bin] ?? 0) > 0.0005);
  const bins = Array.from({ length: Math.ceil((edges.length - 1) / MERGED) }, (_, i) => i).filter(seen);
  if (bins.length === 0) return [-1, 1];
  const edge = (bin: number) => edges[Math.min(edges.length - 1, bin * MERGED)] as number;
  return [edge(bins[0] as number), edge((bins.at(-1) as number) + 1)];
}

function steps(
  shares: readonly number[],
  start: number,
  width: number,
  [low, high]: Range,
  x: Scale,
  y: Scale,
): string {
  const parts: string[] = [];
  shares.forEach((share, bin) => {
    const from = start + bin * width;
    if (from < low - 1e-9 || from + width > high + 1e-9) return;
    if (parts.length === 0) parts.push(`M${x(from)} ${y(0)}`);
    parts.push(`V${y(share)}H${x(round(from + width))}`);
  });
  return parts.length === 0 ? '' : `${parts.join('')}V${y(0)}Z`;
}
