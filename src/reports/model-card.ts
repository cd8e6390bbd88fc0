/** A model card (Mitchell et al. 2019): the encoder, its training data, its metrics and its limits. */
import type { Estimate } from '../domain/evaluation-record.js';
import { count, duration, figure } from './markup.js';
import { byMethod, compositionText, methodName, setName } from './report/methods.js';
import type { RunRecord, TableRow } from './run-record.js';

export function modelCard(record: RunRecord): string {
  const { data, manifest, config } = record;
  const embedding = compositionText(record);
  const trained = record.trainings.filter(({ preset }) => preset === record.preset);
  return `${[
    `# ${text(record.title)}: an encoder trained with preset ${text(record.preset)}`,
    `Run ${code(record.id)}, ${text(record.createdAt)}. The report with charts is \`report.html\`.`,
    '## What it is',
    'Two encoders that map features of images and of texts into one common space by their meaning: the Modal-adversarial Semantic ' +
      'Learning Network (Xu, Song, Lu, Yang, Shen, Huang: ICMR 2018), as Commonspace implements it. It maps feature vectors; it does not read ' +
      'pixels or words. All options are in `config.json`.',
    ...(embedding === null
      ? []
      : [`An embedding consists of ${embedding}. The shares are weights in the cosine of two embeddings.`]),
    '## Training data',
    [
      `- ${text(data.description)}`,
      `- ${count(data.trainingPairs)} pairs of an image and a text, of ${count(data.trainingClasses)} classes.`,
      ...trained.map(
        ({ label, epochs, seconds }) => `- ${text(label)}: ${epochs.length} epochs in ${duration(seconds)}.`,
      ),
      `- Data, sha256: ${code(manifest.data.sha256)}.`,
    ].join('\n'),
    '## Intended use',
    'Search of images by a text and of texts by an image, and classification of both, in a catalogue similar to the training data and with ' +
      'features of the same extractors.',
    '## Metrics',
    `Protocol: ${text(record.protocol)}. By CONTENT only. Values are means over queries and over both directions, with 95 % intervals. ` +
      'A gallery item is relevant if it has the query’s class; recall looks for the query’s own counterpart.',
    figures(record),
    ...weakest(record),
    '## Limits',
    [
      '- The values hold for these sets. Evaluate again with other images, texts or classes: `commonspace evaluate`.',
      '- Unseen classes have lower metrics. The table lists them separately if they were measured.',
      '- The encoder cannot correct errors of the extractors, for example of their training data or language.',
      '- A similarity is not a probability. The encoder is not intended for decisions about people.',
      ...record.notes.map((note) => `- ${text(note)}`),
    ].join('\n'),
    '## Reproducibility',
    manifest.command === null
      ? 'The options are in `config.json`.'
      : `    ${manifest.command.replace(/\s+/g, ' ')}`,
    [
      `- ${text(manifest.code.name)} ${text(manifest.code.version)}${manifest.code.commit === null ? '' : `, commit ${code(manifest.code.commit)}`}`,
      `- Node ${text(manifest.node)} on ${text(manifest.platform)}, tensor backend ${text(manifest.backend)}; seeds ${manifest.seeds.join(', ')}`,
      ...Object.entries(manifest.packages).map(([name, version]) => `- ${text(name)} ${text(version)}`),
    ].join('\n'),
    'The same seed gives the same weights on the same backend.',
    Object.keys(config).length === 0
      ? ''
      : 'The options are in `config.json`, all metrics in `metrics.csv`, all queries in `predictions.jsonl`.',
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

function figures(record: RunRecord): string {
  const rows = record.table.filter(({ headline }) => headline);
  const sets = [...new Set(rows.map(({ set }) => set))];
  const line = (row: TableRow) =>
    `| ${text(setName(row))} | ${text(methodName(row.method, record))} | ${estimate(row.avg['map@all'])} | ${estimate(row.avg['recall@10'])} | ${estimate(row.avg['mrr@10'])} |`;
  return [
    '| set | method | map@all | recall@10 | mrr@10 |',
    '| --- | --- | --- | --- | --- |',
    ...sets.flatMap((set) => byMethod(rows.filter((row) => row.set === set)).map(line)),
  ].join('\n');
}

function estimate({ value, low, high }: Estimate): string {
  return low === null || high === null
    ? figure(value)
    : `${figure(value)} (${figure(low)} – ${figure(high)})`;
}

/** The classes with the lowest average precision. */
function weakest(record: RunRecord): string[] {
  const classes = record.spaces.flatMap(({ perClass, set }) =>
    perClass.flatMap(({ name, i2tAp, t2iAp, chance }) =>
      i2tAp === null || t2iAp === null ? [] : [{ name, set, ap: (i2tAp + t2iAp) / 2, chance }],
    ),
  );
  const worst = classes.toSorted((a, b) => a.ap - b.ap).slice(0, 3);
  if (worst.length === 0) return [];
  const said = worst.map(
    ({ name, set, ap, chance }) => `${text(name)} (${text(set)}: ${figure(ap)}, chance ${figure(chance)})`,
  );
  return [`Weakest classes, by average precision: ${said.join('; ')}.`];
}

/** Untrusted text as inline code. */
function code(value: string): string {
  return `\`${value.replace(/[\s`]+/g, ' ')}\``;
}

/** Untrusted text in one line, with all Markdown characters escaped. */
function text(value: string): string {
  return value
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_{}[\]()#|>~]/g, '\\$&');
}
