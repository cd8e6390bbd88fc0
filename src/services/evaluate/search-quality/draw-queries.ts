import type { Modality } from '../../../domain/modality.js';
import { createRandom, type Random, shuffle } from '../../../encoder/math/random.js';
import { textQueries } from '../../../evaluation/query-forms.js';
import type { QueryForm, QueryPool } from './search-quality-record.js';
import type { SampleItem, SourceSample } from './source-sample.js';

/** A query for the items of a pair, before its feature is extracted. */
export interface DrawnQuery {
  readonly form: QueryForm;
  readonly language: string | null;
  readonly pairId: string;
  readonly modality: Modality;
  readonly heldOut: boolean;
  readonly pools: ReadonlySet<QueryPool>;
  /** Null for a picture. */
  readonly text: string | null;
  /** The item that is the query and must not be in the gallery; null for a text that is made from several. */
  readonly item: SampleItem | null;
}

/** How many queries of each form and language are drawn from each pool. */
export type QueryCounts = Readonly<Partial<Record<QueryPool, number>>>;

/** Names of a pair that are not in the catalogue. */
export type OtherNames = (items: readonly SampleItem[]) => readonly string[];

export interface DrawOptions {
  readonly seed: number;
  readonly otherNames?: OtherNames;
  /** Names of pairs, instead of the titles of their items. */
  readonly names?: ReadonlyMap<string, string> | undefined;
}

interface Candidate extends Omit<DrawnQuery, 'pools' | 'heldOut' | 'pairId'> {}

export interface PairItems {
  readonly pairId: string;
  readonly images: readonly SampleItem[];
  readonly texts: readonly SampleItem[];
}

export function pairsOf(items: readonly SampleItem[]): PairItems[] {
  const pairs = new Map<string, { pairId: string; images: SampleItem[]; texts: SampleItem[] }>();
  for (const item of items) {
    const pair = pairs.get(item.pairId) ?? { pairId: item.pairId, images: [], texts: [] };
    pairs.set(item.pairId, pair);
    (item.row.modality === 'IMAGE' ? pair.images : pair.texts).push(item);
  }
  return [...pairs.values()].sort((a, b) => (a.pairId < b.pairId ? -1 : 1));
}

/**
 * Draws queries of each form and language by seed; of a pair at most one of each. A query whose text has the content of a
 * training text does not count as held out.
 */
export function drawQueries(
  { items, heldOut, isTrainingText }: Pick<SourceSample, 'items' | 'heldOut' | 'isTrainingText'>,
  counts: QueryCounts,
  options: DrawOptions,
): DrawnQuery[] {
  const { seed } = options;
  const pairs = pairsOf(items);
  const order = shuffle(Int32Array.from(pairs.keys()), createRandom(seed, 403));
  const drawn = new Map<string, { every: number; held: number }>();
  const queries: DrawnQuery[] = [];
  for (const index of order) {
    const pair = pairs[index];
    if (pair === undefined) continue;
    const random = createRandom(seed, 1000 + index);
    for (const query of [...textsOf(pair, random, options), ...itemsOf(pair, random)]) {
      const key = `${query.form} ${query.language}`;
      const known = drawn.get(key) ?? { every: 0, held: 0 };
      drawn.set(key, known);
      const isHeldOut = heldOut.has(pair.pairId) && !(query.text !== null && isTrainingText(query.text));
      const pools = new Set<QueryPool>();
      if (known.every < (counts.every ?? 0)) pools.add('every');
      // A held-out query that is asked anyhow counts in both pools.
      if (isHeldOut && (known.held < (counts['held-out'] ?? 0) || (pools.size > 0 && counts['held-out']))) {
        pools.add('held-out');
      }
      if (pools.size === 0) continue;
      if (pools.has('every')) known.every += 1;
      if (pools.has('held-out')) known.held += 1;
      queries.push({ ...query, pairId: pair.pairId, heldOut: isHeldOut, pools });
    }
  }
  return queries;
}

function textsOf(
  { pairId, images, texts }: PairItems,
  random: Random,
  { otherNames = () => [], names }: DrawOptions,
): Candidate[] {
  const titled = [...images, ...texts].find(({ row }) => row.title !== null);
  const made = textQueries(
    {
      title: (names === undefined ? titled?.row.title : names.get(pairId)) ?? null,
      titleLanguage: null,
      captions: texts.flatMap(({ row }) =>
        row.modality === 'TEXT' ? [{ text: row.text, language: languageOf(row) }] : [],
      ),
      otherNames: otherNames([...images, ...texts]),
    },
    random,
  );
  return made.map((query) => ({ ...query, modality: 'TEXT', item: null }));
}

/** A picture of a pair that has another, and a caption of a pair that has another in its language. */
function itemsOf({ images, texts }: PairItems, random: Random): Candidate[] {
  const queries: Candidate[] = [];
  const picture = images[Math.floor(random.uniform() * images.length)];
  if (picture !== undefined && images.length > 1) {
    queries.push({ form: 'image', language: null, modality: 'IMAGE', text: null, item: picture });
  }
  const caption = texts[Math.floor(random.uniform() * texts.length)];
  if (caption === undefined || caption.row.modality !== 'TEXT') return queries;
  const language = languageOf(caption.row);
  const others = texts.filter(({ row }) => languageOf(row) === language);
  if (others.length > 1) {
    queries.push({ form: 'caption', language, modality: 'TEXT', text: caption.row.text, item: caption });
  }
  return queries;
}

export function languageOf(row: SampleItem['row']): string | null {
  if (row.modality === 'TEXT' && row.language !== null) return row.language;
  return typeof row.metadata.language === 'string' ? row.metadata.language : null;
}
