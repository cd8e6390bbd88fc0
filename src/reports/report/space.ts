/** One set's common space: precision over recall, similarities, the modality gap, the map, the queries. */

import type { Direction, SimilarityGroup, SpaceDetails } from '../../evaluation/space/space-details.js';
import { niceRange, WIDE } from '../charts/axes.js';
import { gauge } from '../charts/gauge.js';
import { histogramChart } from '../charts/histogram-chart.js';
import { lineChart } from '../charts/line-chart.js';
import { count, figure, html, type Markup } from '../markup.js';
import type { RunRecord } from '../run-record.js';
import { map } from './map.js';
import { byMethod, DIRECTION_NAME, methodName } from './methods.js';
import { queries } from './queries.js';

const GROUPS: Readonly<Record<SimilarityGroup['kind'], string>> = {
  counterpart: 'counterparts',
  'same-class': 'same class, not counterparts',
  other: 'different classes',
};

/** Number of sets with a map and query examples, which limits the size of a report with many sets. */
const SHOWN_WHOLE = 6;

/** The first set and the sets of the summary are open, the others are collapsed. */
export function spaces(record: RunRecord): Markup {
  const headline = new Set(record.table.filter((row) => row.headline).map(({ set }) => set));
  return html`${record.spaces.map((space, i) => {
    const open = i === 0 || headline.has(space.set);
    const title = html`The common space: <em>${space.set}</em>`;
    const body = html`<p class="about">${count(space.images)} images and ${count(space.texts)} texts. Each is a query; its gallery is the other modality.</p>
${curves(record, space)}${similarities(space)}${gap(space)}
${i < SHOWN_WHOLE ? [map(space, i), queries(space)] : html`<p class="about">Map and queries are shown for the first ${SHOWN_WHOLE} sets only; <code>run.json</code> has all.</p>`}`;
    return open
      ? html`<section class="space" id="space-${i}"><h2>${title}</h2>${body}</section>`
      : html`<details class="space" id="space-${i}"><summary><h2>${title}</h2></summary>${body}</details>`;
  })}`;
}

function curves(record: RunRecord, { curves: all, set }: SpaceDetails): Markup {
  if (all.length === 0) return html``;
  const top = niceRange([0, ...all.flatMap(({ precision }) => precision)], 4)[1];
  const charts = (['i2t', 't2i'] as const).map((direction: Direction) => {
    const own = byMethod(all.filter((curve) => curve.direction === direction));
    const lines = own.toReversed().map(({ method, recall, precision }) => ({
      label: methodName(method, record),
      style: `m-${method}`,
      points: recall.map((x, i) => [x, precision[i] ?? 0] as const),
    }));
    return html`<figure><figcaption><b>${DIRECTION_NAME[direction]}</b></figcaption>${lineChart({
      title: `Precision over recall on ${set}, ${DIRECTION_NAME[direction]}`,
      description: own
        .map(
          ({ method, precision }) =>
            `${methodName(method, record)} from ${figure(precision[0] ?? null)} to ${figure(precision.at(-1) ?? null)}`,
        )
        .join('; '),
      xName: 'recall',
      yName: 'precision',
      frame: WIDE,
      lines,
      xRange: [0, 1],
      yRange: [0, top],
    })}</figure>`;
  });
  const methods = byMethod([...new Map(all.map((curve) => [curve.method, curve])).values()]);
  return html`<h3>Precision over recall</h3>
<p class="about">Interpolated precision (the highest precision at that recall or a higher one), mean over queries.</p>
<p class="legend">${methods.map(({ method }) => html`<span><i class="key round m-${method}"></i>${methodName(method, record)}</span>`)}</p>
<div class="multiples two">${charts}</div>`;
}

function similarities({ similarities: of, set }: SpaceDetails): Markup {
  if (of.groups.every(({ total }) => total === 0)) return html``;
  return html`<div class="beside"><div><h3>Similarities</h3>
<p class="about">Distribution of the cosine similarity of an image and a text. Each group adds up to 1${of.sampled && '; the two larger groups are random samples'}.</p>
<p class="legend column">${of.groups.map(({ kind, total, mean }) => html`<span><i class="key ${kind}"></i>${GROUPS[kind]}<span class="quiet"> · ${count(total)}, mean ${figure(mean)}</span></span>`)}</p>
<dl class="small-figures"><div><dt>counterpart closer than non-counterpart</dt><dd>${figure(of.counterpartAuc)}</dd></div><div><dt>same class closer than another class</dt><dd>${figure(of.classAuc)}</dd></div></dl>
<p class="quiet">Probabilities (area under the ROC curve); .5 is chance.</p></div>
<figure>${histogramChart(`Similarities on ${set}`, of.edges, of.groups, GROUPS)}</figure></div>`;
}

function gap({ gap: of }: SpaceDetails): Markup {
  const tile = (name: string, value: number | null, scale: Markup, means: string) =>
    html`<div class="tile"><p class="tile-name">${name}</p><p class="tile-value">${figure(value)}</p>${scale}<p class="quiet">${means}</p></div>`;
  return html`<h3>Modality gap</h3>
<div class="tiles">
${tile('Centroid distance', of.centroidDistance, gauge({ value: of.centroidDistance, from: 0, to: 2, fromMeans: 'equal', toMeans: 'opposite' }), 'between the mean image and the mean text embedding (Liang et al. 2022)')}
${tile('Linear separability', of.linearAccuracy, gauge({ value: of.linearAccuracy, from: 0.5, to: 1, fromMeans: 'chance', toMeans: 'perfect' }), 'accuracy of Fisher’s discriminant between images and texts, cross-validated over pairs')}
${tile('Image concentration', of.imageConcentration, gauge({ value: of.imageConcentration, from: 0, to: 1, fromMeans: 'spread out', toMeans: 'one point' }), 'length of the mean image embedding')}
${tile('Text concentration', of.textConcentration, gauge({ value: of.textConcentration, from: 0, to: 1, fromMeans: 'spread out', toMeans: 'one point' }), 'length of the mean text embedding')}
</div>`;
}
