/** The queries with the highest and the lowest average precision, with pictures and texts where the data has them. */

import type {
  ItemPreview,
  QueryExample,
  ResultPreview,
  SpaceDetails,
} from '../../evaluation/space/space-details.js';
import { figure, html, isPicture, type Markup } from '../markup.js';
import { DIRECTION_NAME } from './methods.js';

/** Longer texts are cut. */
const MAX_CHARACTERS = 140;

export function queries({ best, worst }: SpaceDetails): Markup {
  if (best.length === 0) return html``;
  const part = (title: string, examples: readonly QueryExample[]) =>
    (['i2t', 't2i'] as const).map((direction) => {
      const own = examples.filter((example) => example.direction === direction);
      return (
        own.length > 0 &&
        html`<h4>${title}, ${DIRECTION_NAME[direction]}</h4><div class="examples">${own.map(example)}</div>`
      );
    });
  return html`<h3>Queries</h3>
<p class="about">Ordered by average precision, at most one query of each class. <span class="sign relevant">✓</span> marks results of the query’s class, <span class="sign counterpart">★</span> the query’s counterpart.</p>
${part('Best', best)}${part('Worst', worst)}`;
}

function example({ query, averagePrecision, counterpartRank, results }: QueryExample): Markup {
  return html`<article class="example"><div class="asked">${preview(query)}
<p class="scores">${averagePrecision !== null && html`<span>AP <b>${figure(averagePrecision)}</b></span>`}${counterpartRank !== null && html`<span>counterpart at <b>${counterpartRank}</b></span>`}</p></div>
<ol class="found">${results.map(result)}</ol></article>`;
}

function result(one: ResultPreview): Markup {
  const kind = one.counterpart ? 'counterpart' : one.relevant ? 'relevant' : 'wrong';
  const sign = { counterpart: '★', relevant: '✓', wrong: '' }[kind];
  const said = { counterpart: 'counterpart', relevant: 'same class', wrong: 'another class' }[kind];
  return html`<li class="${kind}" data-tip="${`cosine ${figure(one.similarity)} · ${said}`}">${preview(one)}<p class="similarity"><span class="sign ${kind}" aria-label="${said}">${sign}</span>${figure(one.similarity, 2)}</p></li>`;
}

function preview(item: ItemPreview): Markup {
  const name = item.text ?? item.id ?? `row ${item.row}`;
  const short = name.length > MAX_CHARACTERS ? `${name.slice(0, MAX_CHARACTERS - 1)}…` : name;
  const shown = isPicture(item.picture)
    ? html`<img src="${item.picture}" alt="${short}" loading="lazy">`
    : item.text !== null
      ? html`<blockquote>${short}</blockquote>`
      : html`<p class="row-number"><span class="shape">${item.modality === 'IMAGE' ? '●' : '▲'}</span>${short}</p>`;
  return html`<div class="preview">${shown}<p class="class-name">${item.class ?? 'no class'}</p></div>`;
}
