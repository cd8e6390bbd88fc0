/** Classification accuracy on held-out items, of each modality and of seen and unseen classes. */
import type { GroupAccuracy } from '../../domain/evaluation-record.js';
import { count, figure, html, type Markup } from '../markup.js';
import type { RunRecord } from '../run-record.js';

const MODALITIES = [
  { key: 'IMAGE', name: 'Images' },
  { key: 'TEXT', name: 'Texts' },
] as const;
const COLUMNS = ['top-1', 'top-5', 'chance'] as const;

/** @returns empty markup if no item was classified */
export function classification({ classification: figures }: RunRecord): Markup {
  if (!figures) return html``;
  const rows = MODALITIES.flatMap(({ key, name }) => {
    const { seen, unseen, harmonicMean } = figures[key];
    return [
      ...(seen === null ? [] : [row(name, 'seen', seen, harmonicMean)]),
      ...(unseen === null ? [] : [row(name, 'unseen', unseen, harmonicMean)]),
    ];
  });
  if (rows.length === 0) return html``;
  const columns = html`${COLUMNS.map((name) => html`<th scope="col">${name}</th>`)}`;
  return html`<section id="classification"><h2>Classification</h2>
<p class="about">Share of held-out items with a correct class at rank 1 (top-1) or in the first five (top-5), by class prototypes made from names and training items.
“Most frequent” is the accuracy of always answering with the most frequent class; the harmonic mean is that of top-1 among all classes, seen and unseen.</p>
<div class="scroll open" role="region" tabindex="0" aria-label="Classification"><table class="figures accuracy">
<thead><tr><th scope="col" rowspan="2">items</th><th scope="col" rowspan="2">number</th><th scope="colgroup" colspan="3">among all classes</th><th scope="colgroup" colspan="3">among these classes</th><th scope="col" rowspan="2">most frequent</th><th scope="col" rowspan="2">harmonic mean</th></tr>
<tr>${columns}${columns}</tr></thead>
<tbody>${rows}</tbody></table></div></section>`;
}

function row(
  name: string,
  group: 'seen' | 'unseen',
  { items, amongAll, amongOwn, majority }: GroupAccuracy,
  harmonicMean: number | null,
): Markup {
  const accuracies = [amongAll, amongOwn].flatMap(({ top1, top5, chance1 }) => [top1, top5, chance1]);
  return html`<tr><th scope="row">${name} <span class="badge ${group}">${amongOwn.classes} ${group} classes</span></th><td>${count(items)}</td>${accuracies.map((value) => html`<td>${figure(value)}</td>`)}<td>${figure(majority)}</td><td>${figure(harmonicMean)}</td></tr>`;
}
