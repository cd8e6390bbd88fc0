import type { Modality } from '../domain/modality.js';
import { MODALITIES } from '../domain/modality.js';
import {
  type QueryPool,
  SEARCH_METHODS,
  type SearchQualityRecord,
  type SearchQualityRow,
} from '../services/evaluate/search-quality/search-quality-record.js';
import { table } from './output.js';

const POOLS: Readonly<Record<QueryPool, string>> = {
  'held-out': 'queries of held-out pairs',
  every: 'queries of any pairs',
};

/** How much DEFAULT may be below the best single evidence. */
const TOLERANCE = 0.01;

/** A table for each target and pool: top-1 / nDCG@10 of each method, then the calibration of DEFAULT. */
export function searchQualityText(record: SearchQualityRecord): string {
  const blocks = (['every', 'held-out'] as const).flatMap((pool) =>
    MODALITIES.map((target) => blockOf(record, pool, target)),
  );
  return [
    `\nSearches of a copy with ${record.pairs} pairs (${record.images} pictures, ${record.texts} texts), ${record.heldOutPairs} of them held out of the encoder's training.`,
    ...blocks,
    `top-1/nDCG@10 of counterparts; class: precision@10 of DEFAULT by class; * DEFAULT is more than ${TOLERANCE} below the best single evidence in nDCG@10.`,
    'score: mean score of the first result by DEFAULT / share that is right (ECE). cut-off AUTO keeps of the first ten: right / wrong results.',
    ...record.notes.map((note) => `Note: ${note}`),
    `${record.seconds.toFixed(0)} s`,
  ].join('\n');
}

function blockOf({ rows, totals }: SearchQualityRecord, pool: QueryPool, target: Modality): string {
  const among = rows.filter((row) => row.pool === pool && row.target === target);
  const total = totals.find((one) => one.pool === pool && one.target === target);
  if (among.length === 0 || total === undefined) return '';
  const ordered = among.toSorted((a, b) => formOf(a).localeCompare(formOf(b)));
  return [
    `\nTarget ${target}, ${POOLS[pool]}\n`,
    table(
      ['form', 'captioned', 'queries', ...SEARCH_METHODS, '', 'class', 'score', 'AUTO keeps'],
      [
        ...ordered.map((row) => [
          formOf(row),
          row.scenario,
          String(row.queries),
          ...SEARCH_METHODS.map((method) => pairOf(row, method)),
          gapOf(row) > TOLERANCE ? '*' : '',
          share(row.methods.DEFAULT?.['class_precision@10'].value),
          ...scores(row),
        ]),
        ['overall', '', '', ...SEARCH_METHODS.map(() => ''), '', '', ...scores(total)],
      ],
    ),
    '',
  ].join('\n');
}

/** How much nDCG@10 of DEFAULT is below that of the best single evidence. */
function gapOf({ methods }: SearchQualityRow): number {
  const of = (method: (typeof SEARCH_METHODS)[number]) => methods[method]?.['ndcg@10'].value ?? 0;
  return Math.max(of('CONTENT'), of('COUNTERPART'), of('LEXICAL'), of('BORROWED')) - of('DEFAULT');
}

function formOf({ form, language }: SearchQualityRow): string {
  return language === null ? form : `${form} ${language}`;
}

function pairOf({ methods }: SearchQualityRow, method: (typeof SEARCH_METHODS)[number]): string {
  const figures = methods[method];
  return figures === null ? '–' : `${share(figures.top1.value)}/${share(figures['ndcg@10'].value)}`;
}

function scores({ calibration, cutOff }: Pick<SearchQualityRow, 'calibration' | 'cutOff'>): string[] {
  const { meanScore, shareRight, ece } = calibration;
  return [
    `${share(meanScore)}/${share(shareRight)} (${share(ece)})`,
    `${share(cutOff.rightKept)}/${share(cutOff.wrongKept)}`,
  ];
}

/** `.83`, `1.00`. */
function share(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : value.toFixed(2).replace(/^0/, '');
}
