/** Further texts of training pairs: short forms of their captions, and titles, with features of their own. */
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import { createRandom } from '../../encoder/math/random.js';
import type { FurtherTexts, TrainOptions } from '../../encoder/types.js';
import type { PairTable } from '../../evaluation/pair-table.js';
import type { OpenTextExtractor } from '../../features/types.js';
import { normalised, shortForms } from './short-forms.js';
import { usableTitle } from './usable-title.js';

/** Upper limit of the further texts of a training: with 1,024 numbers each they take 134 MB. */
const MOST_TEXTS = 32_768;
/** Pairs whose items are read together. */
const ITEMS_AT_ONCE = 500;
/** Texts whose features are extracted together. */
const EXTRACTED_AT_ONCE = 64;
/** A text of more pairs than both of these, e.g. "untitled", says nothing about one of them. */
const MOST_PAIRS_OF_A_TEXT = 16;
const MOST_SHARE_OF_PAIRS = 0.05;

export interface FurtherTextHooks {
  readonly onProgress?: (progress: { readonly done: number; readonly all: number }) => void;
  readonly signal?: AbortSignal;
}

type Wanted = Pick<TrainOptions, 'seed' | 'shortTexts' | 'titleTexts' | 'shortForms'>;

/**
 * Draws short forms and titles of the pairs and extracts their features; null where the options want none. The same pairs, texts and
 * seed give the same result. With many pairs, each gets fewer short forms, and from `MOST_TEXTS` pairs on only some pairs get any.
 *
 * @throws CommonspaceError CANCELLED, or EXTRACTOR_FAILED
 */
export async function extractFurtherTexts(
  { catalog, text }: { readonly catalog: Catalog; readonly text: OpenTextExtractor },
  pairs: PairTable['pairs'],
  options: Wanted,
  hooks: FurtherTextHooks = {},
): Promise<FurtherTexts | null> {
  if (options.shortTexts + options.titleTexts === 0) return null;
  const drawn = await drawFurtherTexts(catalog, pairs, options, hooks.signal);
  const texts = new TextIndex(drawn);
  const lists = (of: readonly (readonly string[])[]) => of.map((own) => texts.rowsOf(own));
  const [short, titles] = [lists(drawn.short), lists(drawn.titles)];
  return { features: await extract(text, texts.all, hooks), short, titles };
}

interface Drawn {
  /** [pairs]: as the text extractor reads them. */
  readonly short: readonly (readonly string[])[];
  readonly titles: readonly (readonly string[])[];
}

async function drawFurtherTexts(
  catalog: Catalog,
  pairs: PairTable['pairs'],
  { seed, shortTexts, titleTexts, shortForms: wanted }: Wanted,
  signal: AbortSignal | undefined,
): Promise<Drawn> {
  const short: (readonly string[])[] = [];
  const titles: (readonly string[])[] = [];
  const every = Math.ceil(pairs.length / MOST_TEXTS);
  const room = Math.floor((MOST_TEXTS * every) / Math.max(1, pairs.length)) - (titleTexts > 0 ? 1 : 0);
  const forms = shortTexts > 0 ? Math.min(wanted, Math.max(1, room)) : 0;
  for (let start = 0; start < pairs.length; start += ITEMS_AT_ONCE) {
    throwIfCancelled(signal);
    const some = pairs.slice(start, start + ITEMS_AT_ONCE);
    const drawn = some.filter((_, i) => (start + i) % every === 0);
    const ids = new Set(drawn.flatMap(({ imageId, textId }) => [imageId, textId]));
    const items = new Map((await catalog.items.byIds([...ids])).map((item) => [item.id, item]));
    for (const [i, pair] of some.entries()) {
      const text = items.get(pair.textId);
      const hasAny = (start + i) % every === 0 && text?.modality === 'TEXT';
      if (!hasAny) {
        short.push(NONE);
        titles.push(NONE);
        continue;
      }
      // By content: a caption has the same short forms wherever it is in the table.
      const random = createRandom(seed, Number.parseInt(pair.textHash.slice(0, 8), 16));
      short.push(shortForms(text.text, forms, random).map(normalised));
      titles.push(titleTexts > 0 ? titlesOf([text.title, items.get(pair.imageId)?.title], text.text) : NONE);
    }
  }
  return { short, titles };
}

/** Pairs without further texts share this list. */
const NONE: readonly never[] = [];

/** Titles that differ from each other and from the caption. */
function titlesOf(titles: readonly (string | null | undefined)[], caption: string): readonly string[] {
  const usable = titles.flatMap((title) => (title != null && usableTitle(title) ? [normalised(title)] : []));
  return [...new Set(usable)].filter((title) => title !== normalised(caption));
}

/** The row of each text; texts of too many pairs have none. */
class TextIndex {
  readonly all: readonly string[];
  private readonly rows: ReadonlyMap<string, number>;

  constructor({ short, titles }: Drawn) {
    const counts = new Map<string, number>();
    for (const [pair, own] of short.entries())
      for (const text of new Set([...own, ...(titles[pair] ?? [])]))
        counts.set(text, (counts.get(text) ?? 0) + 1);
    const most = Math.max(MOST_PAIRS_OF_A_TEXT, MOST_SHARE_OF_PAIRS * short.length);
    this.all = [...counts].flatMap(([text, count]) => (count <= most ? [text] : [])).slice(0, MOST_TEXTS);
    this.rows = new Map(this.all.map((text, row) => [text, row]));
  }

  rowsOf(texts: readonly string[]): readonly number[] {
    if (texts.length === 0) return NONE;
    return texts.flatMap((text) => this.rows.get(text) ?? []);
  }
}

/** [texts, dt] */
async function extract(
  extractor: OpenTextExtractor,
  texts: readonly string[],
  { onProgress, signal }: FurtherTextHooks,
): Promise<FurtherTexts['features']> {
  const columns = extractor.dimension;
  const data = new Float32Array(texts.length * columns);
  for (let done = 0; done < texts.length; ) {
    throwIfCancelled(signal);
    const batch = texts.slice(done, done + EXTRACTED_AT_ONCE);
    const vectors = await extractor.extract(batch, { background: true, signal });
    for (const [i, vector] of vectors.entries()) data.set(vector, (done + i) * columns);
    done += batch.length;
    onProgress?.({ done, all: texts.length });
  }
  return { data, rows: texts.length, columns };
}
