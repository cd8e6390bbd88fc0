/** The header of a report: the run, its main metric, and the comparison with the baselines. */
import { dotPlot } from '../charts/dot-plot.js';
import { count, duration, figure, html, type Markup, signed } from '../markup.js';
import type { RunRecord, TableRow } from '../run-record.js';
import { byMethod, compositionText, methodName, setName } from './methods.js';

export function summary(record: RunRecord): Markup {
  const { manifest, data } = record;
  const embedding = compositionText(record);
  const facts: readonly (readonly [name: string, value: string])[] = [
    ['protocol', record.protocol],
    ['preset', record.preset],
    ...(embedding === null ? [] : [['embedding', embedding] as const]),
    ['training set', `${count(data.trainingPairs)} pairs, ${count(data.trainingClasses)} classes`],
    [manifest.seeds.length === 1 ? 'seed' : 'seeds', manifest.seeds.join(', ')],
    ...(record.seconds === null ? [] : [['duration', duration(record.seconds)] as const]),
    [
      'code',
      `${manifest.code.version}${manifest.code.commit ? ` (${manifest.code.commit.slice(0, 7)})` : ''}`,
    ],
    ['date', record.createdAt.slice(0, 10)],
  ];
  return html`<header class="top">
<p class="eyebrow">Commonspace · ${record.kind === 'bundle' ? 'evaluation of a bundle' : 'evaluation on the catalogue'}</p>
<h1>${record.title}</h1>
<p class="lead">${data.description}</p>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>
<section class="cards" aria-label="Key figures">${headlineSets(record).map((rows) => card(record, rows))}</section>`;
}

/** The rows of the summary, grouped by set, in the order of the table. */
function headlineSets(record: RunRecord): TableRow[][] {
  const sets = new Map<string, TableRow[]>();
  for (const row of record.table.filter(({ headline }) => headline)) {
    const key = `${row.set} ${row.classes}`;
    sets.set(key, [...(sets.get(key) ?? []), row]);
  }
  return [...sets.values()].map(byMethod);
}

function card(record: RunRecord, rows: readonly TableRow[]): Markup {
  const own = rows.find(({ method }) => method === 'masln') ?? rows[0];
  if (own === undefined) return html``;
  const map = own.avg['map@all'];
  const dots = rows.flatMap((row) => {
    const { value, low, high } = row.avg['map@all'];
    return value === null
      ? []
      : [{ label: methodName(row.method, record), style: `m-${row.method}`, value, low, high }];
  });
  return html`<article class="card">
<div class="headline"><p class="set"><span class="badge ${own.classes}">${setName(own)}</span></p>
<p class="big">${figure(map.value)}</p>
<p class="big-name">map@all, mean of both directions${map.low !== null && map.high !== null && html`<br>95 % interval ${figure(map.low)} – ${figure(map.high)}`}</p>
${verdict(record, own, rows)}
<dl class="small-figures">
<div><dt>image → text</dt><dd>${figure(own.i2t['map@all'].value)}</dd></div>
<div><dt>text → image</dt><dd>${figure(own.t2i['map@all'].value)}</dd></div>
<div><dt>recall@10</dt><dd>${figure(own.avg['recall@10'].value)}</dd></div>
<div><dt>median rank</dt><dd>${figure(own.avg.median_rank.value, 1)}</dd></div></dl></div>
<figure class="plot">${dotPlot(`map@all on ${setName(own)}`, 'map@all', dots)}
<figcaption>Dots are means over queries, whiskers are 95 % intervals.</figcaption></figure>
</article>`;
}

/** The differences to the other methods, and whether the intervals overlap. */
function verdict(record: RunRecord, own: TableRow, rows: readonly TableRow[]): Markup {
  const ours = own.avg['map@all'];
  const parts = rows.flatMap((row) => {
    const theirs = row.avg['map@all'];
    if (row === own || ours.value === null || theirs.value === null) return [];
    const apart =
      ours.low !== null && theirs.high !== null && ours.high !== null && theirs.low !== null
        ? ours.low > theirs.high || ours.high < theirs.low
          ? ', intervals do not overlap'
          : ', intervals overlap'
        : '';
    const difference = ours.value - theirs.value;
    return [
      html`<li class="${difference >= 0 ? 'up' : 'down'}"><b>${signed(difference)}</b> compared with ${methodName(row.method, record)}<span class="quiet">${apart}</span></li>`,
    ];
  });
  return html`<ul class="verdict">${parts}</ul>`;
}
