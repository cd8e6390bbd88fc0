/** What is needed to repeat the run: command, code, data, seeds, packages and options. */
import { count, html, type Markup } from '../markup.js';
import type { RunRecord } from '../run-record.js';

export function reproducibility(record: RunRecord): Markup {
  const { manifest } = record;
  const rows: readonly (readonly [string, string])[] = [
    ['run', record.id],
    ['created', record.createdAt],
    ['code', `${manifest.code.name} ${manifest.code.version}`],
    ['commit', manifest.code.commit ?? 'unknown'],
    ['data, sha256', manifest.data.sha256],
    ['seeds', manifest.seeds.join(', ')],
    ['Node', `${manifest.node}, ${manifest.platform}`],
    ['tensor backend', manifest.backend],
    ...Object.entries(manifest.packages),
  ];
  return html`<section id="reproducibility"><h2>Reproducibility</h2>
${manifest.command !== null && html`<p class="about">This command repeats the run:</p><pre tabindex="0"><code>${manifest.command}</code></pre>`}
${record.notes.length > 0 && html`<ul class="notes">${record.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<div class="lists"><div><h3>Manifest</h3>${list(rows)}
${manifest.data.files.length > 0 && list(manifest.data.files.map(({ name, bytes, sha256 }) => [name, `${count(bytes)} bytes · ${sha256.slice(0, 16)}…`]))}</div>
<div><h3>Options</h3>${list(flatten(record.config))}</div></div></section>`;
}

function list(rows: readonly (readonly [name: string, value: string])[]): Markup {
  return html`<table class="pairs"><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

/** Nested names are joined by dots. A list of plain values is one value; a list of objects is nested by its indices. */
function flatten(value: unknown, path = ''): (readonly [string, string])[] {
  if (value === undefined) return [];
  const plainList = Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null);
  if (plainList) return [[path, value.map(inLine).join(', ')]];
  if (typeof value !== 'object' || value === null) return [[path, inLine(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === '' ? key : `${path}.${key}`),
  );
}

function inLine(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
