/** Average precision of each class as bars, best first. Seen and unseen classes have different colours. */
import { mean } from '../../domain/metric-values.js';
import type { ClassDetails } from '../../evaluation/space/space-details.js';
import { niceRange } from '../charts/axes.js';
import { count, figure, html, type Markup } from '../markup.js';
import type { RunRecord } from '../run-record.js';

interface Bar {
  readonly name: string;
  readonly seen: boolean;
  readonly queries: number;
  readonly i2t: number | null;
  readonly t2i: number | null;
  readonly value: number;
  readonly chance: number | null;
}

/** More classes than this are shown in two columns. */
const ONE_COLUMN = 14;

export function classes(record: RunRecord): Markup {
  const bars = collect(record.spaces.flatMap(({ perClass }) => perClass));
  if (bars.length === 0) return html``;
  const most = niceRange([0, ...bars.flatMap(({ i2t, t2i, value }) => [i2t ?? 0, t2i ?? 0, value])])[1];
  const half = bars.length > ONE_COLUMN ? Math.ceil(bars.length / 2) : bars.length;
  const seen = bars.filter((bar) => bar.seen);
  const unseen = bars.filter((bar) => !bar.seen);
  const note = (of: readonly Bar[], word: string) =>
    of.length > 0 &&
    html`<span><i class="key ${word}"></i>${word}: ${count(of.length)} classes, mean ${figure(mean(of.map((bar) => bar.value)))}</span>`;
  return html`<section id="classes"><h2>Average precision by class</h2>
<p class="about">The mean over the queries of a class. Bars show the mean of both directions, from 0 to ${figure(most, 2)}.${record.spaces.length > 1 && ' A class of several sets has the mean over the sets.'}</p>
<p class="legend">${note(seen, 'seen')}${note(unseen, 'unseen')}<span><i class="key-tick i2t"></i>image → text</span><span><i class="key-tick t2i"></i>text → image</span><span><i class="key-tick chance"></i>chance</span></p>
<div class="bar-tables">${[bars.slice(0, half), bars.slice(half)].filter((part) => part.length > 0).map((part) => barTable(part, most))}</div>
</section>`;
}

function barTable(bars: readonly Bar[], most: number): Markup {
  const at = (value: number) => figure((100 * value) / most, 1);
  return html`<table class="bars"><colgroup><col class="name"><col><col class="number"></colgroup><thead class="spoken"><tr><th scope="col">class</th><th scope="col">average precision, bar</th><th scope="col">average precision</th></tr></thead><tbody>${bars.map(
    (bar) => {
      const tip = `${bar.name} (${bar.seen ? 'seen' : 'unseen'}, ${bar.queries} queries): ${figure(bar.value)}; image → text ${figure(bar.i2t)}, text → image ${figure(bar.t2i)}, chance ${figure(bar.chance)}`;
      return html`<tr data-tip="${tip}"><th scope="row" title="${bar.name}">${bar.name}${!bar.seen && html` <abbr title="unseen">◇</abbr>`}</th>
<td class="bar"><svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true"><rect class="${bar.seen ? 'seen' : 'unseen'}" y="2" width="${at(bar.value)}" height="10" rx="1"/></svg>${bar.chance !== null && html`<i class="tick chance" style="left:${at(bar.chance)}%"></i>`}${bar.i2t !== null && html`<i class="tick i2t" style="left:${at(bar.i2t)}%"></i>`}${bar.t2i !== null && html`<i class="tick t2i" style="left:${at(bar.t2i)}%"></i>`}</td>
<td class="value">${figure(bar.value)}</td></tr>`;
    },
  )}</tbody></table>`;
}

/** One bar for each class. A name that is seen in one set and unseen in another has two. */
function collect(rows: readonly ClassDetails[]): Bar[] {
  const groups = new Map<string, ClassDetails[]>();
  for (const row of rows) {
    const key = `${row.seen ? 'seen' : 'unseen'} ${row.name}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const meanOf = (values: readonly (number | null)[]) => mean(values.filter((x) => x !== null));
  return [...groups.values()]
    .flatMap((group): Bar[] => {
      const first = group[0] as ClassDetails;
      const i2t = meanOf(group.map(({ i2tAp }) => i2tAp));
      const t2i = meanOf(group.map(({ t2iAp }) => t2iAp));
      const value = meanOf([i2t, t2i]);
      const queries = group.reduce((sum, { images, texts }) => sum + images + texts, 0);
      const chance = meanOf(group.map((row) => row.chance));
      return value === null ? [] : [{ name: first.name, seen: first.seen, queries, i2t, t2i, value, chance }];
    })
    .sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
}
