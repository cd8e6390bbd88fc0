import type { MapPoint, SpaceDetails } from '../../evaluation/space/space-details.js';
import { mapChart } from '../charts/map-chart.js';
import { count, html, type Markup } from '../markup.js';

/** Number of classes with their own colour. More colours are hard to distinguish. */
const COLOURS = 10;

/** Two maps of a set: neighbourhoods by t-SNE, and the plane of the first two principal components. */
export function map({ map: of, set, perClass }: SpaceDetails, index: number): Markup {
  const { points } = of;
  if (points.length < 3) return html``;
  const coloured = mostFrequent(points, COLOURS);
  const styleOf = (name: string | null) => {
    const i = name === null ? -1 : coloured.indexOf(name);
    return i < 0 ? 'rest' : `c${i}`;
  };
  const unseen = new Set(perClass.filter(({ seen }) => !seen).map(({ name }) => name));
  const nameOf = (name: string | null) =>
    name === null ? 'no class' : unseen.has(name) ? `${name} (unseen)` : name;
  const shared = { points, styleOf, nameOf, named: coloured };
  const others = new Set(points.map((point) => point.class)).size - coloured.length;
  const near = mapChart({
    ...shared,
    title: `Neighbourhoods on ${set}, by t-SNE`,
    coordinates: ({ tsne }) => tsne,
  });
  const plane = mapChart({ ...shared, title: `Principal plane on ${set}`, coordinates: ({ pca }) => pca });
  return html`<h3>Map</h3>
<p class="about">${points.length < of.of ? `${count(points.length)} of ${count(of.of)} embeddings, a random sample.` : `All ${count(of.of)} embeddings.`}
Circles are images, triangles are texts. Move the pointer over one to show its counterpart. Select classes to highlight them.</p>
<div class="map-set" data-map="${index}">
<p class="chips" role="group" aria-label="Classes">${coloured.map((name, i) => html`<button type="button" class="chip" aria-pressed="false" data-class="${name}"><i class="key round c${i}"></i>${name}</button>`)}${others > 0 && html`<span class="chip still"><i class="key round rest"></i>${others} more</span>`}</p>
<div class="maps">${of.perplexity !== null && html`<figure>${near}<figcaption><b>Neighbourhoods</b> · t-SNE, perplexity ${of.perplexity}: close points are similar; distances between groups are not meaningful</figcaption></figure>`}
<figure>${plane}<figcaption><b>Principal plane</b> · the first two principal components, ${Math.round(100 * of.explained)} % of the variance</figcaption></figure></div></div>`;
}

function mostFrequent(points: readonly MapPoint[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const { class: name } of points) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, most)
    .map(([name]) => name);
}
