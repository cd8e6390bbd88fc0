import type { Modality } from '../../../domain/modality.js';
import { createRandom } from '../../../encoder/math/random.js';
import type { SampleItem } from './source-sample.js';

/** Which items of the target keep their counterparts and titles. */
export interface Scenario {
  readonly name: string;
  captioned(item: SampleItem): boolean;
}

/** More values of the key than this are no styles. */
const MOST_STYLES = 4;

/** All captioned, a random half, each style alone, none. Items of the other modality keep everything. */
export function scenariosFor(
  target: Modality,
  items: readonly SampleItem[],
  { seed, styleKey }: { readonly seed: number; readonly styleKey: string | null },
): Scenario[] {
  const among = items.filter(({ row }) => row.modality === target);
  const random = createRandom(seed, 402);
  const half = new Set(among.flatMap(({ row }) => (random.uniform() < 0.5 ? [row.id] : [])));
  const ofTarget = (name: string, keeps: (item: SampleItem) => boolean): Scenario => ({
    name,
    captioned: (item) => item.row.modality !== target || keeps(item),
  });
  return [
    ofTarget('all', () => true),
    ofTarget('half', ({ row }) => half.has(row.id)),
    ...stylesOf(among, styleKey).map((style) =>
      ofTarget(`${styleKey}=${style}`, ({ row }) => row.metadata[styleKey as string] === style),
    ),
    ofTarget('none', () => false),
  ];
}

/** The values of the metadata key among the items; none if they do not tell items apart. */
function stylesOf(items: readonly SampleItem[], key: string | null): string[] {
  if (key === null) return [];
  const values = new Set(items.flatMap(({ row: { metadata } }) => metadata[key] ?? []));
  const styles = [...values].filter((value): value is string => typeof value === 'string').sort();
  return styles.length >= 2 && styles.length <= MOST_STYLES ? styles : [];
}
