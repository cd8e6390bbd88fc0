/** Further texts of training pairs: short forms of their captions, and titles, with features of their own. */
import { join } from 'node:path';
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { RowFileRef } from '../../domain/matrix.js';
import { gather } from '../../encoder/math/matrix.js';
import { createRandom } from '../../encoder/math/random.js';
import type { FurtherTexts, TrainOptions } from '../../encoder/types.js';
import type { OpenTextExtractor } from '../../features/types.js';
import { RowFileWriter } from '../../platform/row-file-writer.js';
import { type PairFile, readPairFile } from './pair-file.js';
import { normalised, shortForms } from './short-forms.js';
import { usableTitle } from './usable-title.js';

/** Upper limit of the further texts of a training: with 1,024 numbers each they take 134 MB in the training's process. */
const MOST_TEXTS = 32_768;
/** Texts whose features are extracted together. */
const EXTRACTED_AT_ONCE = 64;
/** A text of more pairs than both of these, e.g. "untitled", says nothing about one of them. */
const MOST_PAIRS_OF_A_TEXT = 16;
const MOST_SHARE_OF_PAIRS = 0.05;

export interface FurtherTextHooks {
  readonly onProgress?: (progress: { readonly done: number; readonly all: number }) => void;
  readonly signal?: AbortSignal;
}

interface FurtherTextParts {
  readonly catalog: Catalog;
  readonly text: OpenTextExtractor;
  /** Where the file of features is. */
  readonly folder: string;
}

type Wanted = Pick<TrainOptions, 'seed' | 'shortTexts' | 'titleTexts' | 'shortForms'>;

/**
 * Draws short forms and titles of the pairs and extracts their features to a file; null where the options want none. The same pairs, texts and
 * seed give the same result. With many pairs, each gets fewer short forms, and from `MOST_TEXTS` pairs on only some pairs get any.
 *
 * @throws CommonspaceError CANCELLED, EXTRACTOR_FAILED, DISK_FULL
 */
export async function extractFurtherTexts(
  { catalog, text, folder }: FurtherTextParts,
  pairs: PairFile,
  options: Wanted,
  hooks: FurtherTextHooks = {},
): Promise<FurtherTexts<RowFileRef> | null> {
  if (options.shortTexts + options.titleTexts === 0) return null;
  const drawn = await drawFurtherTexts(catalog, pairs, options, hooks.signal);
  const texts = new TextIndex(drawn);
  const lists = (of: readonly (readonly string[])[]) => of.map((own) => texts.rowsOf(own));
  const [short, titles] = [lists(drawn.short), lists(drawn.titles)];
  const file = new RowFileWriter(join(folder, 'further.rows'), text.dimension);
  return { features: await extract(text, texts.all, file, hooks), short, titles };
}

interface Drawn {
  /** [pairs]: as the text extractor reads them. */
  readonly short: readonly (readonly string[])[];
  readonly titles: readonly (readonly string[])[];
}

async function drawFurtherTexts(
  catalog: Catalog,
  pairs: PairFile,
  { seed, shortTexts, titleTexts, shortForms: wanted }: Wanted,
  signal: AbortSignal | undefined,
): Promise<Drawn> {
  const short: (readonly string[])[] = [];
  const titles: (readonly string[])[] = [];
  const every = Math.ceil(pairs.lines / MOST_TEXTS);
  const room = Math.floor((MOST_TEXTS * every) / Math.max(1, pairs.lines)) - (titleTexts > 0 ? 1 : 0);
  const forms = shortTexts > 0 ? Math.min(wanted, Math.max(1, room)) : 0;
  for await (const { pairs: some } of readPairFile(pairs)) {
    throwIfCancelled(signal);
    const start = short.length;
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
  file: RowFileWriter,
  { onProgress, signal }: FurtherTextHooks,
): Promise<RowFileRef> {
  try {
    for (let done = 0; done < texts.length; ) {
      throwIfCancelled(signal);
      const batch = texts.slice(done, done + EXTRACTED_AT_ONCE);
      await file.append(gather(await extractor.extract(batch, { background: true, signal })));
      done += batch.length;
      onProgress?.({ done, all: texts.length });
    }
    return file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}
