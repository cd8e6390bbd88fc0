/**
 * A run as one HTML file: it needs no network, opens from a disk, and holds no markup that came from anybody's data. Its
 * policy lets nothing in: no address is loaded, and no script runs but the one whose hash is named.
 */
import { createHash } from 'node:crypto';
import { MAP_SHAPES } from './charts/map-chart.js';
import { html, Markup } from './markup.js';
import { classes } from './report/classes.js';
import { REPORT_SCRIPT } from './report/report-script.js';
import { REPORT_STYLE } from './report/report-style.js';
import { making } from './report/reproducibility.js';
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
  ];
  const there = sections.filter(([, , body]) => body.text !== '');
  const links = [
    ...there.map(([id, name]) => [id, name] as const),
    ...spaceLinks(record),
    ['making', 'Making'] as const,
  ];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${record.title} · ${record.protocol} · ${record.preset}</title>
<style>${new Markup(REPORT_STYLE)}</style></head>
<body>${MAP_SHAPES}
<nav aria-label="Sections"><div>${links.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}<button type="button" class="theme" hidden>Light or dark</button></div></nav>
<main>
${summary(record)}
${there.map(([, , body]) => body)}
${spaces(record)}
${making(record)}
</main>
<footer>Run ${record.id} · ${record.manifest.code.name} ${record.manifest.code.version}. Formulas, tie-breaks and denominators: docs/evaluation.md.</footer>
<script>${new Markup(REPORT_SCRIPT)}</script>
</body></html>
`.text;
}

/** More links than this to single sets are none to find one's way by. */
const MOST_LINKS = 4;

function spaceLinks({ spaces: all }: RunRecord): (readonly [id: string, name: string])[] {
  if (all.length === 0) return [];
  if (all.length === 1 || all.length > MOST_LINKS)
    return [['space-0', all.length === 1 ? 'Space' : 'Spaces']];
  return all.map(({ set }, i) => [`space-${i}`, `Space: ${set}`]);
}
