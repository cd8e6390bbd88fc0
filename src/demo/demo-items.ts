import { readFile } from 'node:fs/promises';
import { type EmojiEntry, emojiCatalogue } from './emoji-catalogue.js';

/** An item of the demo's catalogue, as ingest takes it. */
export interface DemoItem {
  readonly content: { readonly text: string } | { readonly bytes: Buffer };
  readonly externalId: string;
  readonly title: string;
  readonly classes: readonly string[];
  readonly pairKey: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What every item of the demo carries in its metadata, so that the demo can tell its own from others. */
export const DEMO_MARK = { catalogue: 'emoji-demo' } as const;

/** Google's drawings are learnt from; Twitter's of the same things are queries that the encoder never saw. */
export const LEARNT_FROM = { ...DEMO_MARK, vendor: 'google' } as const;

/** Classes that the demo's encoder does not get to see: a few of every kind, so that unseen means something. */
export const UNSEEN_CLASSES: readonly string[] = [
  'animal-bug',
  'animal-marine',
  'book-paper',
  'food-asian',
  'musical-instrument',
  'time',
  'tool',
  'transport-water',
];

/** How many items of each kind the demo's catalogue has. */
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

/** The items of a few entries, in the order of the entries; the pictures are read from the packages. */
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
  const learnt = vendor === LEARNT_FROM.vendor && !UNSEEN_CLASSES.includes(entry.subgroup);
  return {
    ...shared(entry),
    content: { bytes: await readFile(file) },
    externalId: `${vendor}/${entry.hexcode}`,
    metadata: {
      ...about(entry),
      vendor,
      learntFrom: learnt,
      file: `${vendor}/${file.split(/[\\/]/).at(-1)}`,
    },
  };
}

function caption(entry: EmojiEntry, language: string): DemoItem {
  const learnt = !UNSEEN_CLASSES.includes(entry.subgroup);
  return {
    ...shared(entry),
    content: { text: entry.text },
    externalId: `text/${language}/${entry.hexcode}`,
    metadata: { ...about(entry), language, learntFrom: learnt },
  };
}

function shared(entry: EmojiEntry): Pick<DemoItem, 'title' | 'classes' | 'pairKey'> {
  return { title: entry.label, classes: [entry.subgroup], pairKey: `emoji/${entry.hexcode}` };
}

function about(entry: EmojiEntry): Record<string, unknown> {
  return { ...DEMO_MARK, emoji: entry.emoji, hexcode: entry.hexcode, group: entry.group };
}
