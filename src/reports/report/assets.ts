/** The style sheet and the script, read from files and embedded in each report, because a report loads nothing. */
import { readFileSync } from 'node:fs';

/** In the order of the cascade. */
const SHEETS = ['base', 'summary', 'charts', 'tables', 'bars', 'space', 'examples', 'narrow'] as const;

export const REPORT_STYLE = SHEETS.map((name) => read(`style/${name}.css`)).join('');

/** Runs as an inline module. */
export const REPORT_SCRIPT = read('report.js');

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}
