import { readFile } from 'node:fs/promises';
import { type EmojiEntry, emojiCatalogue } from './emoji-catalogue.js';

/** An item of the demo's catalogue, as input for the ingest. */
export interface DemoItem {
  readonly content: { readonly text: string } | { readonly bytes: Buffer };
  readonly externalId: string;
  readonly title: string;
  readonly classes: readonly string[];
  readonly pairKey: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** In the metadata of every item of the demo, so that its items can be told from others. */
export const DEMO_MARK = { catalogue: 'emoji-demo' } as const;

/** The numbers of items of the demo's catalogue. */
export interface DemoPlan {
  readonly entries: readonly EmojiEntry[];
  readonly languages: readonly string[];
  readonly images: number;
  readonly texts: number;
}

/** @throws CommonspaceError BAD_INPUT for a language that the package does not have. */
export function planDemo(languages: readonly string[]): DemoPlan {
  const entries = emojiCatalogue(languages[0]);
  return { entries, languages, images: 2 * entries.length, texts: languages.length * entries.length };
}

/** The items of the entries from `start` to `end`, in the order of the entries; reads the pictures from the packages. */
export async function demoItems(plan: DemoPlan, start: number, end: number): Promise<DemoItem[]> {
  const others = new Map(
    plan.languages
      .slice(1)
      .map((language) => [
        language,
        new Map(emojiCatalogue(language).map((entry) => [entry.hexcode, entry])),
      ]),
  );
  const items = await Promise.all(
    plan.entries.slice(start, end).map(async (entry) => [
      await picture(entry, 'google', entry.googleFile),
      await picture(entry, 'twitter', entry.twitterFile),
      caption(entry, plan.languages[0] ?? 'en'),
      ...[...others].flatMap(([language, entries]) => {
        const translated = entries.get(entry.hexcode);
        return translated === undefined
          ? []
          : [caption({ ...translated, subgroup: entry.subgroup }, language)];
      }),
    ]),
  );
  return items.flat();
}

async function picture(entry: EmojiEntry, vendor: 'google' | 'twitter', file: string): Promise<DemoItem> {
  return {
    ...shared(entry),
    content: { bytes: await readFile(file) },
    externalId: `${vendor}/${entry.hexcode}`,
    metadata: { ...about(entry), vendor, file: `${vendor}/${file.split(/[\\/]/).at(-1)}` },
  };
}

function caption(entry: EmojiEntry, language: string): DemoItem {
  return {
    ...shared(entry),
    content: { text: entry.text },
    externalId: `text/${language}/${entry.hexcode}`,
    metadata: { ...about(entry), language },
  };
}

function shared(entry: EmojiEntry): Pick<DemoItem, 'title' | 'classes' | 'pairKey'> {
  return { title: entry.label, classes: [entry.subgroup], pairKey: `emoji/${entry.hexcode}` };
}

function about(entry: EmojiEntry): Record<string, unknown> {
  return { ...DEMO_MARK, emoji: entry.emoji, hexcode: entry.hexcode, group: entry.group };
}
