/** The tables of metrics: the mean of both directions, each direction, each split. */

import type { Estimate } from '../../domain/evaluation-record.js';
import { METRIC_NAMES, type MetricName } from '../../domain/metric-values.js';
import { duration, figure, html, type Markup } from '../markup.js';
import type { RunRecord, TableRow } from '../run-record.js';
import { byMethod, METHOD_MEANS, METHOD_ORDER, methodName, setName } from './methods.js';

type Side = 'avg' | 'i2t' | 't2i';
const SIDE_NAME: Readonly<Record<Side, string>> = {
  avg: 'Mean of both directions',
  i2t: 'Image → text',
  t2i: 'Text → image',
};

const SHORT: Readonly<Record<MetricName, string>> = {
  'map@all': 'map@all',
  'map@50': 'map@50',
  'precision@1': 'P@1',
  'precision@5': 'P@5',
  'precision@10': 'P@10',
  'ndcg@10': 'nDCG@10',
  'recall@1': 'R@1',
  'recall@5': 'R@5',
  'recall@10': 'R@10',
  'mrr@10': 'MRR@10',
  median_rank: 'median rank',
};

export function results(record: RunRecord): Markup {
  const headline = record.table.filter((row) => row.headline);
  const others = record.table.filter((row) => !row.headline);
  const methods = METHOD_ORDER.filter((method) => record.table.some((row) => row.method === method));
  return html`<section id="results"><h2>Figures</h2>
<p class="about">All methods have the same queries and gallery. For map, precision (P) and nDCG, a gallery item is relevant if it has the query’s class.
For recall (R), MRR and the median rank, only the query’s counterpart is relevant. The best values are bold. Below each value is its 95 % interval.</p>
${table(record, headline, 'avg', 'open')}
${(['i2t', 't2i'] as const).map((side) => folded(SIDE_NAME[side], table(record, headline, side, '')))}
${others.length > 0 && folded('Each split', table(record, others, 'avg', ''))}
<dl class="terms">${methods.map((method) => html`<div><dt><i class="key round m-${method}"></i>${methodName(method, record)}</dt><dd>${METHOD_MEANS[method]}</dd></div>`)}</dl>
</section>`;
}

function folded(title: string, body: Markup): Markup {
  return html`<details><summary>${title}</summary>${body}</details>`;
}

function table(record: RunRecord, rows: readonly TableRow[], side: Side, kind: string): Markup {
  const sets = [...new Set(rows.map(({ set }) => set))];
  const timed = rows.some(({ seconds }) => seconds !== null);
  return html`<div class="scroll ${kind}" role="region" tabindex="0" aria-label="${SIDE_NAME[side]}"><table class="figures">
<caption>${SIDE_NAME[side]}</caption>
<thead><tr><th scope="col">method</th>${METRIC_NAMES.map((name) => html`<th scope="col"><abbr title="${name}">${SHORT[name]}</abbr></th>`)}${timed && html`<th scope="col">trained in</th>`}</tr></thead>
${sets.map((set) => {
  const own = byMethod(rows.filter((row) => row.set === set));
  const classes = own[0]?.classes ?? 'mixed';
  return html`<tbody><tr class="set"><th colspan="${METRIC_NAMES.length + (timed ? 2 : 1)}" scope="rowgroup"><span class="badge ${classes}">${setName({ set, classes })}</span></th></tr>
${own.map(
  (row) =>
    html`<tr class="${row.method === 'masln' ? 'own' : ''}"><th scope="row"><i class="key round m-${row.method}"></i>${methodName(row.method, record)}</th>${METRIC_NAMES.map((name) => cell(name, row, side, own))}${timed && html`<td>${row.seconds === null ? '' : duration(row.seconds)}</td>`}</tr>`,
)}</tbody>`;
})}
</table></div>`;
}

function cell(name: MetricName, row: TableRow, side: Side, all: readonly TableRow[]): Markup {
  const estimate = row[side][name];
  const digits = name === 'median_rank' ? 1 : 3;
  const best = isBest(
    name,
    estimate,
    all.map((other) => other[side][name]),
  );
  const { value, low, high } = estimate;
  return html`<td>${best ? html`<b>${figure(value, digits)}</b>` : figure(value, digits)}${low !== null && high !== null && html`<small>${bound(low, digits)}–${bound(high, digits)}</small>`}</td>`;
}

/** Without the leading zero, because each cell has two: .245 */
function bound(value: number, digits: number): string {
  return figure(value, digits).replace(/^(−?)0\./, '$1.');
}

function isBest(name: MetricName, { value }: Estimate, all: readonly Estimate[]): boolean {
  const values = all.map((other) => other.value).filter((x) => x !== null);
  if (value === null || values.length < 2) return false;
  return value === (name === 'median_rank' ? Math.min(...values) : Math.max(...values));
}
