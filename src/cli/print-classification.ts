import type { ClassificationFigures, GroupAccuracy } from '../domain/evaluation-record.js';
import { type Output, table } from './output.js';

const MODALITIES = [
  { key: 'IMAGE', name: 'pictures' },
  { key: 'TEXT', name: 'texts' },
] as const;

/** Prints how well held-out items are classified; nothing where no item has a class. */
export function printClassification(out: Output, figures: ClassificationFigures): void {
  const rows = MODALITIES.flatMap(({ key, name }) => {
    const { seen, unseen, harmonicMean } = figures[key];
    return [
      ...(seen === null ? [] : [line(name, 'seen', seen, harmonicMean)]),
      ...(unseen === null ? [] : [line(name, 'unseen', unseen, harmonicMean)]),
    ];
  });
  if (rows.length === 0) return;
  out.print('\nClassification of held-out items by prototypes of class names and training items:\n');
  out.print(
    table(
      [
        'items',
        'of classes',
        'top-1 among all',
        'top-5',
        'chance',
        'top-1 among these',
        'top-5',
        'chance',
        'most frequent',
        'harmonic mean',
      ],
      rows,
      ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    ),
  );
}

function line(name: string, group: string, of: GroupAccuracy, harmonicMean: number | null): string[] {
  const { items, amongAll, amongOwn, majority } = of;
  return [
    `${items} ${name}`,
    `${amongOwn.classes} ${group}`,
    ...[amongAll, amongOwn].flatMap(({ top1, top5, chance1 }) => [top1, top5, chance1]).map(figure),
    figure(majority),
    harmonicMean === null ? '' : figure(harmonicMean),
  ];
}

const figure = (value: number): string => value.toFixed(3);
