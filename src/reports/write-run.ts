/** The files of a run, from its record. */
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { METRIC_NAMES } from '../domain/metric-values.js';
import type { Prediction } from '../evaluation/space/predictions.js';
import { modelCard } from './model-card.js';
import { reportHtml } from './report-html.js';
import type { RunRecord } from './run-record.js';

/** @param folder an existing folder */
export async function writeRunFiles(
  folder: string,
  record: RunRecord,
  predictions: Iterable<Prediction>,
): Promise<void> {
  const { id, kind, title, protocol, preset, createdAt, seconds, config, manifest } = record;
  const files: Readonly<Record<string, string>> = {
    'config.json': json({ id, kind, title, protocol, preset, ...config }),
    'manifest.json': json({ id, createdAt, seconds, ...manifest }),
    'run.json': `${JSON.stringify(record)}\n`,
    'metrics.csv': metricsCsv(record),
    'report.html': reportHtml(record),
    'model-card.md': modelCard(record),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await pipeline(Readable.from(jsonLines(predictions)), createWriteStream(join(folder, 'predictions.jsonl')));
}

/** One metric in each line. A metric without a value has an empty cell. */
function metricsCsv({ table }: Pick<RunRecord, 'table'>): string {
  const lines = table.flatMap((row) =>
    (['i2t', 't2i', 'avg'] as const).flatMap((direction) =>
      METRIC_NAMES.map((metric) => {
        const { value, low, high } = row[direction][metric];
        return [row.set, row.classes, row.method, direction, metric, value, low, high].map(cell).join(',');
      }),
    ),
  );
  return `${['set,classes,method,direction,metric,value,low,high', ...lines].join('\n')}\n`;
}

/** Quotes a cell as RFC 4180 specifies. */
function cell(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function* jsonLines(predictions: Iterable<Prediction>): Generator<string> {
  for (const prediction of predictions) yield `${JSON.stringify(prediction)}\n`;
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
