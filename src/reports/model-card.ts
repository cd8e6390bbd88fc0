/** A model card (after Mitchell et al. 2019): what the encoder is, what it learnt from, what it can do and cannot. */
import type { Estimate } from '../domain/evaluation-record.js';
import { count, duration, figure } from './markup.js';
import { byMethod, methodName, setName } from './report/methods.js';
import type { RunRecord, TableRow } from './run-record.js';

export function modelCard(record: RunRecord): string {
  const { data, manifest, config } = record;
  const trained = record.trainings.filter(({ preset }) => preset === record.preset);
  return `${[
    `# ${text(record.title)}: an encoder trained with preset ${text(record.preset)}`,
    `Run ${code(record.id)}, ${text(record.createdAt)}. The figures with their charts are in \`report.html\`.`,
    '## What it is',
    'Two encoders that map features of images and of texts into one space, where closeness is meaning: the Modal-adversarial Semantic ' +
      'Learning Network (Xu, Song, Lu, Yang, Shen, Huang: ICMR 2018), as Commonspace implements it. It maps feature vectors; it does not see ' +
      'pixels or words itself. All options are in `config.json`.',
    '## What it learnt from',
    [
      `- ${text(data.description)}`,
      `- ${count(data.trainingPairs)} pairs of an image and a text, of ${count(data.trainingClasses)} classes.`,
      ...trained.map(
        ({ label, epochs, seconds }) => `- ${text(label)}: ${epochs.length} epochs in ${duration(seconds)}.`,
      ),
      `- Data, sha256: ${code(manifest.data.sha256)}.`,
    ].join('\n'),
    '## What it is for',
    'Finding images by a text and texts by an image, and telling the class of either, in a catalogue of the kind that it learnt from and with ' +
      'features of the very same extractors.',
    '## How well it does',
    `Protocol: ${text(record.protocol)}. By CONTENT alone. Figures are means over queries and over both directions, with 95 % intervals. ` +
      'A gallery item is relevant if it has the query’s class; recall looks for the query’s own counterpart.',
    figures(record),
    ...weakest(record),
    '## Limits',
    [
      '- The figures hold for these sets. Elsewhere, with other pictures, other texts or other classes, measure again: `commonspace evaluate`.',
      '- Classes that it did not learn from are harder; the table has them apart where they were measured.',
      '- What the extractors do not see, or learnt wrongly (their training data, their language), it cannot know either.',
      '- A similarity is no probability. It is not meant for decisions about people.',
      ...record.notes.map((note) => `- ${text(note)}`),
    ].join('\n'),
    '## How to repeat it',
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
      : 'What was asked for stands in `config.json`, every figure in `metrics.csv`, every query in `predictions.jsonl`.',
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

/** The classes that it does worst on: somebody's catalogue may be full of them. */
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

/** Of anybody's too, but shown as it stands. */
function code(value: string): string {
  return `\`${value.replace(/[\s`]+/g, ' ')}\``;
}

/** Text of anybody's, as Markdown shows it: on one line, with nothing in it that means something. */
function text(value: string): string {
  return value
    .replace(/\s+/g, ' ')
    .trim()
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_{}[\]()#|>~]/g, '\\$&');
}
