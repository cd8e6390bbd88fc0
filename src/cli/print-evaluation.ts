import type {
  Estimate,
  EvaluationRecord,
  MethodFigures,
  PartRecord,
} from '../evaluation/evaluation-record.js';
import type { BundleReport } from '../services/evaluate/bundle-report.js';
import { table } from './output.js';

const METHOD_NAMES: Readonly<Record<MethodFigures['method'], string>> = {
  masln: 'MASLN',
  paper: 'paper',
  sm: 'SM',
  cca: 'CCA',
  chance: 'chance',
};

/** Figures of the mean of both directions, beside map@all of each. */
const OTHERS = [
  'map@50',
  'precision@10',
  'ndcg@10',
  'recall@1',
  'recall@10',
  'mrr@10',
  'median_rank',
] as const;

/** An evaluation for people: every method on the same rows, with the interval of what the figure is judged by. */
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
    `\n${report.bundle}, ${protocol}, preset ${report.preset}: ${trainings}, ${seconds.toFixed(1)} s each.\n`,
    methodTable(blocks),
    `\nmap@all and what follows: mean of both directions; in brackets the 95 % interval of ${report.interval.resamples} draws.`,
    ...Object.entries(report.gain).map(
      ([method, gain]) =>
        `MASLN − ${METHOD_NAMES[method as MethodFigures['method']]}: ${signed(gain.value)} ${interval(gain)}`,
    ),
    ...report.notes.map((note) => `Note: ${note}`),
  ].join('\n');
}

/** The same of an encoder on the catalogue's held-out pairs. */
export function catalogueTable(record: EvaluationRecord): string {
  const { seen, unseen, harmonic, source, interval } = record;
  const size = (part: PartRecord | null) => (part === null ? 'none' : `${part.images} × ${part.texts}`);
  return [
    `\nEncoder ${record.encoder}, preset ${record.preset}, learnt from ${source.pairs} pairs of ${source.classes} classes.`,
    `Retrieval by content alone on what it did not learn from, pictures × texts: ${size(seen)} of seen classes, ${size(unseen)} of unseen ones.\n`,
    methodTable([
      { name: 'seen', methods: seen?.methods ?? [] },
      { name: 'unseen', methods: unseen?.methods ?? [] },
      { name: 'harmonic', methods: harmonic ?? [] },
    ]),
    `\nmap@all and what follows: mean of both directions; in brackets the 95 % interval of ${interval.resamples} draws.`,
    ...record.notes.map((note) => `Note: ${note}`),
  ].join('\n');
}

interface Block {
  readonly name: string;
  readonly methods: readonly MethodFigures[];
}

/** One line a method, one block of lines for each set of rows. */
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
