/**
 * A run as one HTML file that opens from a disk without a network. All data is escaped. Its Content-Security-Policy allows no
 * request and no script except the embedded one, by its hash.
 */
import { createHash } from 'node:crypto';
import { MAP_SHAPES } from './charts/map-chart.js';
import { html, Markup } from './markup.js';
import { REPORT_SCRIPT, REPORT_STYLE } from './report/assets.js';
import { classes } from './report/classes.js';
import { classification } from './report/classification.js';
import { reproducibility } from './report/reproducibility.js';
import { results } from './report/results.js';
import { spaces } from './report/space.js';
import { summary } from './report/summary.js';
import { training } from './report/training.js';
import type { RunRecord } from './run-record.js';

const scriptHash = createHash('sha256').update(REPORT_SCRIPT).digest('base64');
const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`;

/** @returns the whole document */
export function reportHtml(record: RunRecord): string {
  const sections: readonly (readonly [id: string, name: string, body: Markup])[] = [
    ['results', 'Figures', results(record)],
    ['training', 'Training', training(record)],
    ['classes', 'Classes', classes(record)],
    ['classification', 'Classification', classification(record)],
  ];
  const present = sections.filter(([, , body]) => body.text !== '');
  const links = [
    ...present.map(([id, name]) => [id, name] as const),
    ...spaceLinks(record),
    ['reproducibility', 'Reproducibility'] as const,
  ];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${record.title} · ${record.protocol} · ${record.preset}</title>
<style>${new Markup(REPORT_STYLE)}</style></head>
<body>${MAP_SHAPES}
<nav aria-label="Sections"><div>${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}<button type="button" class="theme" hidden>Light / dark</button></div></nav>
<main>
${summary(record)}
${present.map(([, , body]) => body)}
${spaces(record)}
${reproducibility(record)}
</main>
<footer>Run ${record.id} · ${record.manifest.code.name} ${record.manifest.code.version}. Formulas, tie-breaks and denominators: docs/evaluation.md.</footer>
<script type="module">${new Markup(REPORT_SCRIPT)}</script>
</body></html>
`.text;
}

/** With more sets than this, one link leads to all of them. */
const MAX_LINKS = 4;

function spaceLinks({ spaces: all }: RunRecord): (readonly [id: string, name: string])[] {
  if (all.length === 0) return [];
  if (all.length === 1 || all.length > MAX_LINKS) return [['space-0', all.length === 1 ? 'Space' : 'Spaces']];
  return all.map(({ set }, i) => [`space-${i}`, `Space: ${set}`]);
}
