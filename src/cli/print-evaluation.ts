import { type Composition, describeComposition } from '../domain/composition.js';
import type {
  Estimate,
  EvaluationRecord,
  Method,
  MethodFigures,
  PartRecord,
} from '../domain/evaluation-record.js';
import type { BundleReport } from '../services/evaluate/bundle-report.js';
import { type Output, table } from './output.js';
import { printClassification } from './print-classification.js';

const METHOD_NAMES: Readonly<Record<Method, string>> = {
  masln: 'MASLN',
  codes: 'codes alone',
  posteriors: 'posteriors alone',
  cca_part: 'CCA part alone',
  semantic_part: 'semantic part alone',
  zero_shot: 'zero-shot',
  paper: 'paper',
  sm: 'SM',
  cca: 'CCA',
  chance: 'chance',
};

/** The other columns: means of both directions. */
const OTHERS = [
  'map@50',
  'precision@10',
  'ndcg@10',
  'recall@1',
  'recall@10',
  'mrr@10',
  'median_rank',
] as const;

/** The evaluation of a folder of features: all methods on the same rows, with the interval of map@all. */
export function bundleTable(report: BundleReport): string {
  const { metrics, splits, protocol } = report;
  const extendable = protocol === 'extendable';
  const trainings = splits.length === 1 ? 'one training' : `mean of ${splits.length} trainings`;
  const blocks = [
    { name: extendable ? 'unseen' : 'test', methods: metrics.target },
    { name: 'seen', methods: metrics.seen ?? [] },
    { name: 'harmonic', methods: metrics.harmonic ?? [] },
  ];
  const seconds = splits.reduce((sum, split) => sum + split.train_seconds, 0) / splits.length;
  return [
    `\n${report.bundle}, ${protocol}, preset ${report.preset}: ${trainings}, ${seconds.toFixed(1)} s each.`,
    `${compositionLine(splits.map((split) => split.composition))}\n`,
    methodTable(blocks),
    `\n${legend(report.interval.resamples)}`,
    ...Object.entries(report.gain).map(
      ([method, gain]) =>
        `MASLN − ${METHOD_NAMES[method as Method]}: ${signed(gain.value)} ${interval(gain)}`,
    ),
    ...report.notes.map((note) => `Note: ${note}`),
  ].join('\n');
}

/** Prints an encoder's figures on its held-out pairs, as a training or an evaluation measured them. */
export function printRecord(out: Output, record: EvaluationRecord): void {
  out.print(recordTable(record));
  if (record.classification) printClassification(out, record.classification);
}

function recordTable(record: EvaluationRecord): string {
  const { seen, unseen, harmonic, source, interval } = record;
  const head = `\nEncoder ${record.encoder}, preset ${record.preset}, trained on ${source.pairs} pairs of ${source.classes} classes.`;
  const notes = record.notes.map((note) => `Note: ${note}`);
  if (seen === null && unseen === null) {
    return [head, 'No pairs were held out, so nothing was measured.', ...notes].join('\n');
  }
  const size = (part: PartRecord | null) => (part === null ? 'none' : `${part.images} × ${part.texts}`);
  return [
    head,
    ...(record.composition.length > 0 ? [compositionLine([record.composition])] : []),
    'Retrieval by content alone on held-out pairs.',
    ...(record.newContentOnly
      ? ['All their pictures and texts are new to the encoder: none is in the training set, under any id.']
      : []),
    `Pictures × texts: ${size(seen)} of seen classes, ${size(unseen)} of unseen classes.\n`,
    methodTable([
      { name: 'seen', methods: seen?.methods ?? [] },
      { name: 'unseen', methods: unseen?.methods ?? [] },
      { name: 'harmonic', methods: harmonic ?? [] },
    ]),
    `\n${legend(interval?.resamples ?? 0)}`,
    ...notes,
  ].join('\n');
}

/** What an embedding of MASLN consists of. */
export function compositionLine(encoders: readonly Composition[]): string {
  return `An embedding of MASLN consists of ${describeComposition(encoders)}.`;
}

/** What the columns are. */
function legend(resamples: number): string {
  const means = 'From map@all on: mean of both directions';
  return resamples === 0 ? `${means}.` : `${means}; in brackets the 95 % interval of ${resamples} draws.`;
}

interface Block {
  readonly name: string;
  readonly methods: readonly MethodFigures[];
}

/** A line for each method, a block of lines for each set of rows. */
function methodTable(blocks: readonly Block[]): string {
  const rows = blocks.flatMap(({ name, methods }) =>
    methods.map((figures, i) => [
      i === 0 ? name : '',
      METHOD_NAMES[figures.method],
      number(figures.i2t['map@all']),
      number(figures.t2i['map@all']),
      `${number(figures.avg['map@all'])} ${interval(figures.avg['map@all'])}`.trim(),
      ...OTHERS.map((metric) => number(figures.avg[metric], metric === 'median_rank' ? 1 : 3)),
    ]),
  );
  const heads = [
    'classes',
    'method',
    'i→t',
    't→i',
    'map@all',
    ...OTHERS.map((metric) => metric.replace('_', ' ')),
  ];
  return table(heads, rows, [
    'left',
    'left',
    ...heads.slice(2).map((_, i) => (i === 2 ? ('left' as const) : ('right' as const))),
  ]);
}

function number({ value }: Estimate, digits = 3): string {
  return value?.toFixed(digits) ?? '–';
}

function signed(value: number | null): string {
  return value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}

function interval({ low, high }: Estimate): string {
  return low === null || high === null ? '' : `[${low.toFixed(3)}, ${high.toFixed(3)}]`.replaceAll('-', '−');
}
